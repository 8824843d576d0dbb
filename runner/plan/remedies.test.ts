import { describe, expect, test } from 'vitest';
import type { JobSpec } from '#contract/job-spec.ts';
import { job } from '../../test/build/film-plan.ts';
import { fitting, remediesOf } from './remedies.ts';

const CPU = { kind: 'cpu' } as const;
const gpus = (mostStages: number) => ({ kind: 'cuda', mostStages }) as const;
const tokens = ({ size, parallelism }: JobSpec) => size.width * size.height * parallelism.blockLatents;

describe('what would let a film of 832×480, in blocks of 8 and 4, fit', () => {
  const cases: readonly { what: string; fits: (spec: JobSpec) => boolean; says: readonly string[] }[] = [
    { what: 'tiles alone', fits: ({ decoding }) => decoding.tiling, says: ['decoding.tiling: true'] },
    {
      what: 'more devices, as few as will do, or smaller blocks',
      fits: (spec) => spec.parallelism.gpus >= 11 || spec.parallelism.blockLatents <= 2,
      says: ['parallelism.gpus: 11', 'parallelism.blockLatents: 2 and contextLatents: 2'],
    },
    {
      what: 'a decoder in float16',
      fits: ({ decoding }) => decoding.precision === 'float16',
      says: ['decoding.precision: float16'],
    },
    {
      what: 'tiles with smaller blocks',
      fits: ({ decoding, parallelism }) => decoding.tiling && parallelism.blockLatents <= 4,
      says: ['decoding.tiling: true and parallelism.blockLatents: 4'],
    },
    {
      what: 'a smaller picture, where nothing else helps',
      fits: (spec) => tokens(spec) <= (832 * 480 * 8) / 4 && spec.parallelism.blockLatents === 8,
      says: ['a size of 416×240'],
    },
    { what: 'nothing', fits: () => false, says: [] },
  ];
  test.each(cases)('$what', ({ fits, says }) => expect(fitting(remediesOf(job(), gpus(30)), fits)).toEqual(says));
});

test('more devices are a remedy only where they bring memory, and never more than the model has layers', () => {
  const fits = ({ parallelism }: JobSpec) => parallelism.gpus > 8;
  expect(fitting(remediesOf(job(), CPU), fits)).toEqual([]);
  expect(fitting(remediesOf(job(), gpus(12)), fits)).toEqual(['parallelism.gpus: 9']);
  expect(fitting(remediesOf(job(), gpus(8)), fits)).toEqual([]);
});

test('on the processor fewer stages come first, as many as there is room for; on devices they are none', () => {
  const fits = ({ parallelism, decoding }: JobSpec) => parallelism.gpus <= 5 || decoding.tiling;
  expect(fitting(remediesOf(job(), CPU), fits)).toEqual(['parallelism.gpus: 5', 'decoding.tiling: true']);
  expect(fitting(remediesOf(job(), gpus(30)), fits)).toEqual(['decoding.tiling: true']);
  expect(fitting(remediesOf(job({ parallelism: { gpus: 1 } }), CPU), () => true)[0]).toBe('decoding.tiling: true');
});

test('fewer stages than the least bring that down, too, and more leave it', () => {
  const least = job({ parallelism: { gpus: 8, minGpus: 4 } });
  const said = (fits: (gpus: number) => boolean, place: Parameters<typeof remediesOf>[1]) =>
    fitting(remediesOf(least, place), ({ parallelism }) => {
      const { gpus, minGpus } = parallelism;
      return minGpus! <= gpus && fits(gpus);
    })[0];
  expect(said((count) => count <= 5, CPU)).toBe('parallelism.gpus: 5');
  expect(said((count) => count <= 3, CPU)).toBe('parallelism.gpus: 3 and minGpus: 3');
  expect(said((count) => count > 8, gpus(30))).toBe('parallelism.gpus: 9');
});

test('a decoder in float16 is no remedy on the processor, nor where it has that already', () => {
  const fits = ({ decoding }: JobSpec) => decoding.precision === 'float16';
  expect(fitting(remediesOf(job(), CPU), fits)).toEqual([]);
  const half = remediesOf(job({ decoding: { precision: 'float16' } }), gpus(8));
  expect(half.flatMap(({ remedies }) => remedies.map(({ text }) => text))).not.toContain('decoding.precision: float16');
});

test('tiles are no remedy for a film that is decoded in tiles', () => {
  expect(fitting(remediesOf(job({ decoding: { tiling: true } }), gpus(8)), () => true)).toEqual([
    'decoding.precision: float16',
    'parallelism.blockLatents: 4',
  ]);
});
