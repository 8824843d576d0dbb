import { expect, test } from 'vitest';
import type { Bench, BenchRequest } from './bench.ts';
import { misuse, sizesOf } from './usage.ts';

const bench = (over: Partial<Bench> = {}): Bench => ({ title: 't', run: async function* () {}, ...over });
const hop = bench();
const layers = bench({ reads: ['tokens', 'widths'] });
const operator = bench({ reads: ['peer'], sizes: ['films', 'burst'] });

test.each<{ asked: Omit<BenchRequest, 'device'>; of: Readonly<Record<string, Bench>>; says: string | undefined }>([
  { asked: {}, of: { hop }, says: undefined },
  { asked: { tokens: [16] }, of: { hop, layers }, says: undefined },
  { asked: { tokens: [16] }, of: { hop, operator }, says: '--tokens is not for hop, operator' },
  { asked: { widths: ['tiny'] }, of: { hop }, says: '--width is not for hop' },
  { asked: { peer: '/peer' }, of: { layers }, says: '--peer is not for layers' },
  { asked: { sizes: {} }, of: { hop }, says: undefined },
  { asked: { sizes: { films: 3 } }, of: { hop, operator }, says: undefined },
  { asked: { sizes: { nothing: 3 } }, of: { operator }, says: 'no size named nothing; sizes: films, burst' },
  { asked: { sizes: { toString: 3 } }, of: { operator }, says: 'no size named toString; sizes: films, burst' },
  { asked: { sizes: { films: 3 } }, of: { hop }, says: 'no size named films; --size is not for hop' },
])('$asked asked of benchmarks is refused where none of them reads it: $says', ({ asked, of, says }) => {
  expect(misuse(of, { device: 'cpu', ...asked })).toBe(says);
});

test('sizes are names and whole numbers', () => {
  expect(sizesOf(['films=20', 'burst=7'])).toEqual({ films: 20, burst: 7 });
  for (const wrong of ['films', 'films=', '=3', 'films=0', 'films=2=3', 'films=1.5']) {
    expect(() => sizesOf([wrong])).toThrow(`--size is ${wrong}, wanted NAME=N`);
  }
});
