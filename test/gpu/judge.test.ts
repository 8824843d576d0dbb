import { expect, test } from 'vitest';
import { judged, largestWithin, MOST_GOLDEN, MOST_RELATIVE, planHolds, relativeWithin, sameBits } from './judge.ts';
import { errors } from './measure.ts';

const wanted = [1, -2, 3, 0.5];

test.each([
  { what: 'the very numbers', found: wanted, holds: true },
  { what: 'numbers a rounding away', found: [1, -2, 3.000001, 0.5], holds: true },
  { what: 'nothing but zeros', found: [0, 0, 0, 0], holds: false },
  { what: 'no numbers', found: [Number.NaN, -2, 3, 0.5], holds: false },
  { what: 'too few numbers', found: [1, -2, 3], holds: false },
  { what: 'too many numbers', found: [...wanted, 999, 999], holds: false },
  { what: 'no numbers at all', found: [], holds: false },
  { what: 'an infinite number', found: [1, -2, Number.POSITIVE_INFINITY, 0.5], holds: false },
])('$what: holds is $holds', ({ found, holds }) => {
  const found_ = errors(found, wanted);
  for (const bounds of Object.values(MOST_RELATIVE)) {
    for (const most of Object.values(bounds)) expect(relativeWithin(found_, most).holds).toBe(holds);
  }
  expect(largestWithin(found_, MOST_GOLDEN).holds).toBe(holds);
});

test('zeros against numbers smaller than the bound do not hold either', () => {
  const found = errors([0, 0], [1e-6, -1e-6]);
  expect(relativeWithin(found, MOST_RELATIVE.film.BF16).holds).toBe(false);
  expect(largestWithin(found, MOST_GOLDEN).holds).toBe(false);
});

test('zeros against a reference of zeros prove nothing', () => {
  const found = errors([0, 0], [0, 0]);
  expect(relativeWithin(found, MOST_RELATIVE.film.BF16).holds).toBe(false);
  expect(largestWithin(found, MOST_GOLDEN).holds).toBe(false);
});

test('a row holds where all that is wanted is so, and says all of it', () => {
  const right = sameBits(true, 'the first');
  const wrong = relativeWithin({ relative: 0.5 }, 1e-5);
  expect(judged(right)).toEqual({ wanted: 'the same bits as the first', holds: true });
  expect(judged(right, wrong)).toEqual({
    wanted: 'the same bits as the first; relative error at most 0.00001',
    holds: false,
  });
});

test.each([
  { planned: 1000, libraries: 0, measured: 1000, holds: true },
  { planned: 949, libraries: 0, measured: 1000, holds: false },
  { planned: 850, libraries: 130, measured: 1000, holds: true },
  { planned: 1251, libraries: 0, measured: 1000, holds: false },
  { planned: 1000, libraries: 130, measured: null, holds: false },
  { planned: 0, libraries: 0, measured: 0, holds: false },
])('a plan of $planned MiB and $libraries for libraries against $measured: holds is $holds', (row) => {
  expect(planHolds(row.planned, row.libraries, row.measured).holds).toBe(row.holds);
});
