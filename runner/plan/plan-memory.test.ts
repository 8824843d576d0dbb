import { describe, expect, test } from 'vitest';
import { filmPlan } from '../../test/build/film-plan.ts';

const WIDTH = 1536;
/** Keys and values of 4 latents for one layer, in float32. */
const CONTEXT_PAIR = 2 * 4 * 1560 * WIDTH * 4;
/** Keys and values of a prompt of 512 tokens for one layer, in float32. */
const PROMPT_PAIR = 2 * 512 * WIDTH * 4;

/** Left caches of the stages in units of {@link CONTEXT_PAIR}, with the layers of each. */
function leftCaches(...given: Parameters<typeof filmPlan>) {
  return filmPlan(...given).stages.map(({ firstLayer, endLayer, memory }) => ({
    layers: endLayer - firstLayer,
    places: memory.leftCache / CONTEXT_PAIR,
  }));
}

describe('a left context that is used again takes a place per branch for all that waits at once, in every layer, and one beside', () => {
  test.each([
    { what: 'more blocks than steps', frames: 2049, steps: 50, stride: 1, perLayer: 2 * 51 },
    { what: 'as many steps between as a block makes', frames: 1025, steps: 50, stride: 6, perLayer: 2 * 51 },
    { what: 'fewer blocks than steps', frames: 1025, steps: 50, stride: 1, perLayer: 2 * 31 },
    { what: 'four blocks', frames: 129, steps: 50, stride: 1, perLayer: 2 * 3 },
    { what: 'two blocks', frames: 65, steps: 50, stride: 1, perLayer: 2 * 1 },
    { what: 'two blocks at a stride', frames: 65, steps: 50, stride: 6, perLayer: 2 * 6 },
  ])('$what', ({ frames, steps, stride, perLayer }) => {
    const stages = leftCaches({ frames, sampling: { steps }, parallelism: { stride, leftContext: 'reuse' } });
    expect(stages).toEqual([4, 4, 4, 4, 4, 4, 3, 3].map((layers) => ({ layers, places: layers * perLayer + 1 })));
  });

  test('a step without guidance keeps nothing for the second branch', () => {
    // 26 of the 50 levels: 0.999, 0.98, … 0.5.
    const sampling = { flowShift: 1, guidanceInterval: { low: 0.5, high: 1 } };
    const [first] = leftCaches({ frames: 2049, sampling, parallelism: { leftContext: 'reuse' } });
    expect(first).toEqual({ layers: 4, places: 4 * (51 + 27) + 1 });
  });

  test('with guidance in parallel a stage keeps what its own branch leaves, or the larger of the two', () => {
    const parallelism = { leftContext: 'reuse', guidanceParallel: true };
    const layers = [8, 8, 7, 7, 8, 8, 7, 7];
    const sampling = { flowShift: 1, guidanceInterval: { low: 0.5, high: 1 } };
    for (const stages of [
      leftCaches({ frames: 2049, parallelism }),
      leftCaches({ frames: 2049, sampling, parallelism }),
    ]) {
      expect(stages).toEqual(layers.map((count) => ({ layers: count, places: count * 51 + 1 })));
    }
  });

  test.each([
    { what: 'a left context that is computed again', changes: {} },
    { what: 'a film of one block', changes: { frames: 33, parallelism: { leftContext: 'reuse' } } },
  ])('$what takes none', ({ changes }) => {
    expect(filmPlan(changes).stages.map(({ memory }) => memory.leftCache)).toEqual(new Array(8).fill(0));
  });
});

test('with guidance in parallel a stage holds the prompt and the neighbours of one branch, and twice the layers', () => {
  const one = filmPlan({}).stages[1]!;
  const parallel = filmPlan({ parallelism: { guidanceParallel: true } }).stages[1]!;
  expect([one.endLayer - one.firstLayer, parallel.endLayer - parallel.firstLayer]).toEqual([4, 8]);
  expect([one.memory.prompt, parallel.memory.prompt]).toEqual([4 * 2 * PROMPT_PAIR, 8 * PROMPT_PAIR]);
  expect([one.memory.featureCache, parallel.memory.featureCache]).toEqual([4 * 3 * CONTEXT_PAIR, 8 * 2 * CONTEXT_PAIR]);
});

describe('guidance in parallel', () => {
  test.each([
    { what: 'a scale of 1', sampling: { guidanceScale: 1 }, why: 'guidanceScale 1' },
    {
      what: 'an interval between two levels',
      sampling: { steps: 4, flowShift: 1, guidanceInterval: { low: 0.6, high: 0.7 } },
      why: 'guidanceInterval 0.6 to 0.7',
    },
  ])('is refused where no step is guided: $what', ({ sampling, why }) => {
    const refused = {
      code: 'E_PLAN_GUIDANCE_PARALLEL',
      message: expect.stringContaining(`no step of this film is guided (${why}`),
    };
    expect(() => filmPlan({ sampling, parallelism: { guidanceParallel: true } })).toThrow(
      expect.objectContaining(refused),
    );
    expect(filmPlan({ sampling }).branches).toBe(1);
  });

  test('is planned where some step is guided', () => {
    const sampling = { steps: 4, flowShift: 1, guidanceInterval: { low: 0.6, high: 0.75 } };
    const { branches, stages } = filmPlan({ sampling, parallelism: { guidanceParallel: true } });
    expect([branches, ...stages.map(({ branch }) => branch)]).toEqual([2, 0, 0, 0, 0, 1, 1, 1, 1]);
  });

  test('gives each branch a whole model, so that there may be twice as many stages as layers', () => {
    const { stages } = filmPlan({ parallelism: { gpus: 60, guidanceParallel: true } });
    expect(new Set(stages.map(({ firstLayer, endLayer }) => endLayer - firstLayer))).toEqual(new Set([1]));
    expect(() => filmPlan({ parallelism: { gpus: 62, guidanceParallel: true } })).toThrow(
      expect.objectContaining({ code: 'E_PLAN_STAGES' }),
    );
  });

  test.each([
    { frames: 129, gpus: 2 },
    { frames: 385, gpus: 4 },
    { frames: 257, gpus: 8 },
  ])('keeps $gpus devices busy at a wider stride, which auto chooses: $frames frames', ({ frames, gpus }) => {
    const strideOf = (guidanceParallel: boolean) =>
      filmPlan({ frames, parallelism: { gpus, stride: 'auto', guidanceParallel } }).stride;
    expect(strideOf(true)).toBeGreaterThan(strideOf(false));
  });
});
