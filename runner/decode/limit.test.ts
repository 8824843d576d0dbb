import { expect, test } from 'vitest';
import { limitPicture } from './limit.ts';

test('values beyond the range become its ends, others stay', () => {
  const picture = Float32Array.of(-3, -1, -0.25, 0, 0.5, 1, 7);
  expect(limitPicture(picture)).toBe(true);
  expect([...picture]).toEqual([-1, -1, -0.25, 0, 0.5, 1, 1]);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%s is noticed wherever it is', (bad) => {
  for (let at = 0; at < 9; at++) expect(limitPicture(new Float32Array(9).fill(bad, at, at + 1))).toBe(false);
});
