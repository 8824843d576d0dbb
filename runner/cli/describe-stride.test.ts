import { expect, test } from 'vitest';
import type { Plan } from '../plan/plan.ts';
import { describeStrides, stridesOf } from './describe-stride.ts';

const plan = (changes: object = {}) =>
  ({
    ...{
      blocks: 32,
      branches: 2,
      contextLatents: 4,
      stages: new Array(8).fill({ branch: null }),
      ringSlots: 2,
      stride: 4,
    },
    leftContext: 'recompute',
    sampling: {
      ...{ scheduler: 'UniPC', order: 2, steps: 50, flowShift: 3, guidanceScales: [5], guidanceInterval: null },
      ...{ boundaryTimestep: null, rightContext: 'same-expert' },
    },
    ...changes,
  }) as unknown as Plan;

test('the stride of a plan is shown with its gap, its cost and its first block', () => {
  expect(describeStrides(plan(), false)).toEqual([
    '  stride 4: left neighbours 8.0 % of the steps ahead, 13 blocks in flight, stages busy 94.8 % of the run, first block done after 22.7 % of the run, which takes 1.04 × as long as at stride 1',
  ]);
});

test('one block has no neighbours', () => {
  expect(describeStrides(plan({ blocks: 1, stride: 1 }), true)).toEqual([
    '  stride 1: one block, stages busy 22.2 % of the run',
  ]);
});

test('all strides are those that auto chooses from', () => {
  const strides = describeStrides(plan({ stride: 2 }), true).map((line) => /stride (\d+)/.exec(line)?.[1]);
  expect(strides).toEqual(['2', '1', '3', '4', '5', '6', '7', '8', '9']);
});

test('for programs: the same as numbers, the chosen stride first', () => {
  expect(stridesOf(plan(), false)).toEqual([
    { stride: 4, gap: 0.08, blocksInFlight: 13, busyShare: 3200 / 3377, firstBlock: 768, duration: 3377 },
  ]);
  expect(stridesOf(plan(), true).map(({ stride }) => stride)).toEqual([4, 1, 2, 3, 5, 6, 7, 8, 9]);
});
