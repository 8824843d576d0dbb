import { expect, test } from 'vitest';
import { minimalFilter } from './minimal-filter.ts';

const multiply = (matrix: readonly number[], vector: readonly number[]) =>
  Array.from({ length: matrix.length / vector.length }, (_, row) =>
    vector.reduce((sum, value, column) => sum + matrix[row * vector.length + column]! * value, 0),
  );

test.each([2, 4])('%i results by fewer products are those of the plain sum', (outputs) => {
  const { before, kernel, after, products } = minimalFilter(outputs)!;
  const inputs = Array.from({ length: outputs + 2 }, (_, index) => Math.sin(3 * index + 1));
  const taps = [0.7, -1.3, 0.4];
  const left = multiply(kernel, taps);
  const found = multiply(
    after,
    multiply(before, inputs).map((value, index) => value * left[index]!),
  );
  expect(products).toBe(outputs + 2);
  for (const [index, value] of found.entries()) {
    expect(value).toBeCloseTo(
      taps.reduce((sum, tap, at) => sum + tap * inputs[index + at]!, 0),
      12,
    );
  }
});

test.each([2, 4])('of %i results each takes the common product once', (outputs) => {
  const { after, common, products } = minimalFilter(outputs)!;
  const taken = Array.from({ length: outputs }, (_, row) => after[row * products + common]);
  expect(taken).toEqual(new Array(outputs).fill(1));
});

test('there is none for one result', () => {
  expect(minimalFilter(1)).toBeUndefined();
});
