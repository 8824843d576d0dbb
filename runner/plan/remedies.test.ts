import { describe, expect, test } from 'vitest';
import type { JobSpec } from '#contract/job-spec.ts';
import { job } from '../../test/build/film-plan.ts';
import { fitting, remediesOf } from './remedies.ts';

const tokens = ({ size, parallelism }: JobSpec) => size.width * size.height * parallelism.blockLatents;

describe('what would let a film of 832×480, in blocks of 8 and 4, fit', () => {
  const cases: readonly { what: string; fits: (spec: JobSpec) => boolean; says: readonly string[] }[] = [
    { what: 'tiles alone', fits: ({ decoding }) => decoding.tiling, says: ['decoding.tiling: true'] },
    {
      what: 'more devices, or smaller blocks',
      fits: (spec) => spec.parallelism.gpus >= 16 || spec.parallelism.blockLatents <= 2,
      says: ['parallelism.gpus: 16', 'parallelism.blockLatents: 2 and contextLatents: 2'],
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
  test.each(cases)('$what', ({ fits, says }) => expect(fitting(remediesOf(job(), { most: 30 }), fits)).toEqual(says));
});

test('devices are a remedy only where they bring memory, and never more than the model has layers', () => {
  const fits = ({ parallelism }: JobSpec) => parallelism.gpus > 8;
  expect(fitting(remediesOf(job(), null), fits)).toEqual([]);
  expect(fitting(remediesOf(job(), { most: 12 }), fits)).toEqual(['parallelism.gpus: 12']);
  expect(fitting(remediesOf(job(), { most: 8 }), fits)).toEqual([]);
});

test('tiles are no remedy for a film that is decoded in tiles', () => {
  expect(fitting(remediesOf(job({ decoding: { tiling: true } }), null), () => true)).toEqual([
    'parallelism.blockLatents: 4',
  ]);
});
