import { expect, test } from 'vitest';
import { filmPlan } from '../../test/build/film-plan.ts';
import { cutBytes } from '../pipeline/layout.ts';
import { checkpointSize } from './checkpoint-size.ts';

test.each([
  { what: 'a film of 1,025 frames', plan: filmPlan({}) },
  { what: 'a short one', plan: filmPlan({ frames: 41 }) },
  { what: 'more blocks than steps', plan: filmPlan({ sampling: { steps: 4 } }) },
  { what: 'a stride', plan: filmPlan({ parallelism: { stride: 4 } }) },
])('a checkpoint of $what is as large as the copy that the pipeline makes', ({ plan }) => {
  const { state, memory, disk } = checkpointSize(plan);
  expect([state, memory]).toEqual([cutBytes(plan), cutBytes(plan)]);
  expect(disk).toBeGreaterThan(3 * state);
});

test('where the left context is used again there is none', () => {
  expect(checkpointSize(filmPlan({ parallelism: { leftContext: 'reuse' } }))).toEqual({ state: 0, disk: 0, memory: 0 });
});
