import { expect, test } from 'vitest';
import { sliceLayers } from './slices.ts';

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
