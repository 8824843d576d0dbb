import { expect, test } from 'vitest';
import { modelInput, tinyModel } from '../test/same-bits/inputs.ts';
import type { Manifest } from './checkpoint/manifest.ts';
import { scheduleOf } from './plan/plan-schedule.ts';
import { queueAfter } from './plan/schedule.ts';
import { notOfPlan } from './resume-film.ts';

const { plan } = modelInput(tinyModel(), { stages: 1, steps: 4, frames: 61, blockLatents: 4, contextLatents: 2 });
const stored = { bytes: 8, sha256: 'x' };

/** What a run of the plan leaves after an iteration. */
function manifestAfter(iteration: number): Manifest {
  const { finished, started } = queueAfter(scheduleOf(plan), iteration);
  const blocks = Array.from({ length: started - finished }, (_, index) => {
    const block = finished + index;
    return { block, step: iteration + 1 - plan.stride * block, ...stored };
  });
  return {
    ...{ generator: 'dualparal', format: 1, writtenAt: '', iteration, iterations: plan.iterations },
    fingerprint: { film: {}, model: 'm', stride: plan.stride, engine: 'e', device: 'd' },
    noisePosition: started,
    state: { bytes: 8 * blocks.length, blocks },
    finished: Array.from({ length: finished }, () => ({ latents: 4, ...stored })),
    segments: { encoder: 'x', init: null, blocks: [] },
  };
}

test('a checkpoint after any iteration of a plan is of that plan', () => {
  for (let iteration = 0; iteration < plan.iterations; iteration++)
    expect(notOfPlan(manifestAfter(iteration), plan)).toBeUndefined();
});

test.each<[string, (manifest: Manifest) => Partial<Manifest>]>([
  ['a finished block too few', ({ finished }) => ({ finished: finished.slice(1) })],
  ['a finished block too many', ({ finished }) => ({ finished: [...finished, ...finished.slice(0, 1)] })],
  ['a block in flight too few', ({ state }) => ({ state: { ...state, blocks: state.blocks.slice(1) } })],
  [
    'a block in flight that is another step further',
    ({ state }) => ({ state: { ...state, blocks: state.blocks.map((each) => ({ ...each, step: each.step + 1 })) } }),
  ],
  ['a block too many that has drawn its noise', ({ noisePosition }) => ({ noisePosition: noisePosition + 1 })],
  ['an iteration that the plan has not', () => ({ iteration: plan.iterations })],
])('one with %s is not', (_what, change) => {
  const manifest = manifestAfter(4);
  expect(manifest.finished.length).toBeGreaterThan(0);
  expect(notOfPlan({ ...manifest, ...change(manifest) }, plan)).toMatch(/^the blocks that it names are not those/);
});
