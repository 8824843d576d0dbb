import { describe, expect, test } from 'vitest';
import { type ScheduledPlan, scheduleOf } from './plan-schedule.ts';
import type { ResolvedSampling } from './sampling.ts';

/** Noise levels of 8 steps: 0.999, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125. */
const UNI_PC: ResolvedSampling = {
  scheduler: 'UniPC',
  order: 2,
  steps: 8,
  flowShift: 1,
  guidanceScales: [5],
  guidanceInterval: null,
  boundaryTimestep: null,
  rightContext: 'same-expert',
  textTokens: 64,
};
/** Noise levels of 4 steps: 1, 0.667, 0.334, 0.001. */
const EULER: ResolvedSampling = { ...UNI_PC, scheduler: 'FlowMatchEuler', steps: 4 };

const planned = (sampling: ResolvedSampling, branches = 2): ScheduledPlan => ({
  blocks: 3,
  branches,
  contextLatents: 2,
  leftContext: 'recompute',
  stride: 1,
  sampling,
});

describe('a step has two branches where its noise level lies in the interval, ends included', () => {
  test.each([
    { what: 'levels on both ends', low: 0.25, high: 0.75, branches: [1, 1, 2, 2, 2, 2, 2, 1] },
    { what: 'ends next to levels', low: 0.251, high: 0.749, branches: [1, 1, 1, 2, 2, 2, 1, 1] },
    { what: 'one level, on the lower end', low: 0.5, high: 0.6, branches: [1, 1, 1, 1, 2, 1, 1, 1] },
    { what: 'one level, on the upper end', low: 0.4, high: 0.5, branches: [1, 1, 1, 1, 2, 1, 1, 1] },
    { what: 'between two levels: no step', low: 0.51, high: 0.62, branches: [1, 1, 1, 1, 1, 1, 1, 1] },
    {
      what: 'the first level and the last on the ends: all steps',
      low: 0.125,
      high: 0.999,
      branches: [2, 2, 2, 2, 2, 2, 2, 2],
    },
    { what: 'from nothing to pure noise: all steps', low: 0, high: 1, branches: [2, 2, 2, 2, 2, 2, 2, 2] },
  ])('$what', ({ low, high, branches }) => {
    const sampling = { ...UNI_PC, guidanceInterval: { low, high } };
    expect(scheduleOf(planned(sampling)).branchesOfStep).toEqual(branches);
  });

  test.each([
    { low: 0.334, high: 0.667, branches: [1, 2, 2, 1] },
    { low: 0.001, high: 1, branches: [2, 2, 2, 2] },
    { low: 0.002, high: 0.999, branches: [1, 2, 2, 1] },
  ])('pure noise is level 1: $low to $high', ({ low, high, branches }) => {
    const sampling = { ...EULER, guidanceInterval: { low, high } };
    expect(scheduleOf(planned(sampling)).branchesOfStep).toEqual(branches);
  });
});

test.each([
  { what: 'all are guided without an interval', scales: [5], branches: [2, 2, 2, 2, 2, 2, 2, 2] },
  { what: 'none is at a scale of 1', scales: [1], branches: [1, 1, 1, 1, 1, 1, 1, 1] },
])('steps of one expert: $what', ({ scales, branches }) => {
  const { branchesOfStep, expertOfStep } = scheduleOf(planned({ ...UNI_PC, guidanceScales: scales }));
  expect(branchesOfStep).toEqual(branches);
  expect(expertOfStep).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
});

test('no step of a run of one branch has two', () =>
  expect(scheduleOf(planned(UNI_PC, 1)).branchesOfStep).toEqual([1, 1, 1, 1, 1, 1, 1, 1]));

test.each([
  { what: 'the boundary on a step', boundaryTimestep: 625, experts: [0, 0, 0, 0, 1, 1, 1, 1] },
  { what: 'the boundary just above it', boundaryTimestep: 625.5, experts: [0, 0, 0, 1, 1, 1, 1, 1] },
])('a step on the boundary is the first expert’s, and each expert has its own scale: $what', (given) => {
  const { boundaryTimestep, experts } = given;
  const sampling = { ...UNI_PC, boundaryTimestep };
  const first = scheduleOf(planned({ ...sampling, guidanceScales: [5, 1] }));
  const second = scheduleOf(planned({ ...sampling, guidanceScales: [1, 5] }));
  expect(first.expertOfStep).toEqual(experts);
  expect(first.branchesOfStep).toEqual(experts.map((expert) => (expert === 0 ? 2 : 1)));
  expect(second.branchesOfStep).toEqual(experts.map((expert) => (expert === 1 ? 2 : 1)));
});
