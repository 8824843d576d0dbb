import fc from 'fast-check';
import type { ScheduleSettings } from '../../runner/plan/schedule.ts';

/** Schedules of up to so many blocks and steps, with strides past the steps, a second branch in any of them, and one or two experts. */
export function schedules(most: { readonly blocks: number; readonly steps: number }): fc.Arbitrary<ScheduleSettings> {
  return fc
    .record({
      blocks: fc.integer({ min: 1, max: most.blocks }),
      steps: fc.integer({ min: 1, max: most.steps }),
      stride: fc.integer({ min: 1, max: most.steps + 2 }),
      guided: fc.array(fc.boolean(), { minLength: most.steps, maxLength: most.steps }),
      contextLatents: fc.nat(1),
      leftContext: fc.constantFrom('recompute' as const, 'reuse' as const),
      boundary: fc.nat(most.steps),
    })
    .map(({ guided, boundary, ...rest }) => ({
      ...rest,
      branches: 2,
      branchesOfStep: guided.slice(0, rest.steps).map((isGuided) => (isGuided ? 2 : 1)),
      expertOfStep: Array.from({ length: rest.steps }, (_, step) => (step < boundary ? 0 : 1)),
    }));
}
