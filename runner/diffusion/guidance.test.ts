import { expect, test } from 'vitest';
import { guide } from './guidance.ts';

const own = { channels: 2, skip: 1, count: 2 };
const conditional = Float32Array.of(9, 1, 2, 9, 3, 4);
const unconditional = Float32Array.of(9, 0, 1, 9, 1, 8);

test.each([
  {
    name: 'two branches are extrapolated, the context thrown away',
    branch: unconditional,
    scale: 3,
    out: [3, 4, 7, -4],
  },
  { name: 'a scale of 1 keeps the conditional branch', branch: unconditional, scale: 1, out: [1, 2, 3, 4] },
  { name: 'one branch is kept as it is', branch: null, scale: 5, out: [1, 2, 3, 4] },
])('$name', ({ branch, scale, out }) => {
  const result = new Float32Array(4);
  guide(conditional, branch, scale, own, result);
  expect([...result]).toEqual(out);
});
