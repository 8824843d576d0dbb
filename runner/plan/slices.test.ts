import { expect, test } from 'vitest';
import { balanceLayers, type LayerSlice, paceOf, sliceLayers } from './slices.ts';

test.each([
  { layers: 30, stages: 8, sizes: [4, 4, 4, 4, 4, 4, 3, 3] },
  { layers: 5, stages: 3, sizes: [2, 2, 1] },
  { layers: 5, stages: 5, sizes: [1, 1, 1, 1, 1] },
  { layers: 5, stages: 1, sizes: [5] },
])('$layers layers on $stages stages: $sizes, end to end', ({ layers, stages, sizes }) => {
  const slices = sliceLayers(layers, stages);
  expect(slices.map(({ firstLayer, endLayer }) => endLayer - firstLayer)).toEqual(sizes);
  const ends = slices.map(({ endLayer }) => endLayer);
  expect(slices.map(({ firstLayer }) => firstLayer)).toEqual([0, ...ends.slice(0, -1)]);
  expect(ends.at(-1)).toBe(layers);
});

const sizesOf = (slices: readonly LayerSlice[]) => slices.map(({ firstLayer, endLayer }) => endLayer - firstLayer);

test.each([
  {
    what: 'nothing besides: as even as can be',
    layers: 30,
    besides: [0, 0, 0, 0, 0, 0, 0, 0],
    sizes: [4, 4, 4, 4, 4, 4, 3, 3],
  },
  {
    what: 'next to nothing at both ends',
    layers: 30,
    besides: [0.001, 0, 0, 0, 0, 0, 0, 0.002],
    sizes: [4, 4, 4, 4, 4, 4, 3, 3],
  },
  {
    what: 'two layers’ time at the end',
    layers: 30,
    besides: [0, 0, 0, 0, 0, 0, 0, 2],
    sizes: [4, 4, 4, 4, 4, 4, 4, 2],
  },
  {
    what: 'more at the end than a fair share: one layer stays',
    layers: 30,
    besides: [0, 0, 0, 0, 0, 0, 0, 6],
    sizes: [5, 4, 4, 4, 4, 4, 4, 1],
  },
  { what: 'as many stages as layers', layers: 3, besides: [0, 0, 9], sizes: [1, 1, 1] },
])('slices by time, $what', ({ layers, besides, sizes }) => {
  expect(sizesOf(balanceLayers(layers, besides))).toEqual(sizes);
});

test('no cut has a faster slowest stage than the one by time', () => {
  const besides = [0.3, 0, 0.1, 1.7];
  const found = paceOf(balanceLayers(9, besides), besides);
  for (let a = 1; a < 7; a++)
    for (let b = 1; a + b < 8; b++)
      for (let c = 1; a + b + c < 9; c++) {
        const times = [a, b, c, 9 - a - b - c].map((size, stage) => size + besides[stage]!);
        expect(Math.max(...times)).toBeGreaterThanOrEqual(0.99 * found);
      }
});
