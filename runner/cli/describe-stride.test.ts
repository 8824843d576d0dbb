import { expect, test } from 'vitest';
import type { Plan } from '../plan/plan.ts';
import { describeStride } from './describe-stride.ts';

const plan = (changes: object = {}) =>
  ({
    ...{ blocks: 32, branches: 2, contextLatents: 4, stages: new Array(8).fill({}), ringSlots: 2, stride: 4 },
    sampling: { steps: 50 },
    ...changes,
  }) as unknown as Plan;

test('the stride of a plan is shown with its gap, its cost and its first block', () => {
  expect(describeStride(plan(), false)).toEqual([
    '  stride 4: left neighbours 8.0 % of the steps ahead, 13 blocks in flight, stages busy 94.8 % of the run, first block done after 22.7 % of the run',
  ]);
});

test('one block has no neighbours', () => {
  expect(describeStride(plan({ blocks: 1, stride: 1 }), true)).toEqual([
    '  stride 1: one block, stages busy 22.2 % of the run',
  ]);
});

test('all strides are those that auto chooses from', () => {
  const strides = describeStride(plan({ stride: 2 }), true).map((line) => /stride (\d+)/.exec(line)?.[1]);
  expect(strides).toEqual(['2', '1', '3', '4', '5', '6', '7', '8', '9']);
});
