import { expect, test } from 'vitest';
import { gpuOf } from '../../test/build/gpu.ts';
import type { Gpu } from './gpu.ts';
import { rankGpus } from './rank-gpus.ts';

const GIB = 2 ** 30;
const free = (...gibibytes: readonly (number | null)[]) =>
  gibibytes.map((amount, index) => gpuOf(index, { freeBytes: amount === null ? null : amount * GIB }));
const old = (index: number) => gpuOf(index, { major: 7, minor: 5 });

test.each<{ what: string; gpus: readonly Gpu[]; least?: number; want: readonly number[] }>([
  { what: 'equal cards', gpus: free(79, 79, 79), want: [0, 1, 2] },
  { what: 'equal cards that differ by what drivers keep', gpus: free(78.9, 79.2, 78.4, 79.1), want: [0, 1, 2, 3] },
  { what: 'one of which most is held', gpus: free(79, 4, 79), want: [0, 2, 1] },
  { what: 'one that nobody tells of, beside free ones', gpus: free(null, 79, 78), want: [1, 2, 0] },
  { what: 'one that nobody tells of, beside one that is full', gpus: free(1, null), want: [1, 0] },
  {
    what: 'ones that nobody tells of',
    gpus: [gpuOf(0, { totalBytes: 8 * GIB, freeBytes: null }), gpuOf(1, { freeBytes: null })],
    want: [1, 0],
  },
  {
    what: 'alike in memory, one in use',
    gpus: [gpuOf(0, { processes: [{ pid: 7, bytes: null }] }), gpuOf(1)],
    want: [1, 0],
  },
  {
    what: 'some too old for the format',
    gpus: [old(0), gpuOf(1, { freeBytes: GIB }), old(2)],
    least: 8,
    want: [1, 0, 2],
  },
  { what: 'just new enough', gpus: [gpuOf(0, { major: 8 }), gpuOf(1)], least: 8, want: [0, 1] },
  { what: 'some old, where any will do', gpus: [old(0), gpuOf(1)], want: [0, 1] },
])('GPUs, $what, are taken in this order: $want', ({ gpus, least, want }) => {
  expect(rankGpus(gpus, least).map(({ index }) => index)).toEqual(want);
  expect(rankGpus(gpus.toReversed(), least).map(({ index }) => index)).toEqual(want);
});
