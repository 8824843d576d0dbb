import { describe, expect, test } from 'vitest';
import { A14B, devices, float32Bytes, job, WAN_1_3B } from '../../test/build/film-plan.ts';
import { planRun } from './plan.ts';

test('a film of 1025 frames on 8 devices', () => {
  const { stages, balance, ...plan } = planRun(job(), WAN_1_3B, [float32Bytes(WAN_1_3B)], devices(8));
  expect(plan).toEqual({
    expectedSeconds: null,
    decoderParts: [{ stage: 7, firstUnit: 0, endUnit: 20 }],
    frames: 1025,
    latents: 257,
    blocks: 32,
    blockLatents: 8,
    contextLatents: 4,
    windowLatents: 12,
    stride: 1,
    surplusLatents: 3,
    iterations: 81,
    blockSteps: 1600,
    branches: 2,
    items: 3200,
    leftContext: 'recompute',
    experts: 1,
    latentChannels: 16,
    latentHeight: 60,
    latentWidth: 104,
    tokensPerLatent: 1560,
    precision: { sampling: 'float32', decoding: 'float32' },
    ringSlots: 2,
    sampling: {
      scheduler: 'UniPC',
      order: 2,
      steps: 50,
      flowShift: 3,
      guidanceScales: [5],
      boundaryTimestep: null,
      guidanceInterval: null,
      rightContext: 'same-expert',
      textTokens: 512,
    },
    warnings: [],
  });
  expect(stages.map(({ firstLayer, endLayer }) => endLayer - firstLayer)).toEqual([4, 4, 4, 4, 4, 4, 3, 3]);
  expect(balance.busyShare).toBeCloseTo(30 / 32, 2);
  // 46,440,704 parameters a layer; the patch embedding with the first stage, the head with the last.
  expect(stages.map(({ weightBytes }) => weightBytes)).toEqual([
    (4 * 46_440_704 + 1536 * 65) * 4,
    ...new Array(5).fill(4 * 46_440_704 * 4),
    3 * 46_440_704 * 4,
    (3 * 46_440_704 + 2 * 1536 + 64 * 1536 + 64) * 4,
  ]);
  expect(plan.blockSteps).toBe(1600);
});

test('memory of a stage in the middle, by use', () => {
  const plan = planRun(job(), WAN_1_3B, [float32Bytes(WAN_1_3B)], devices(8));
  const { weights, prompt, featureCache, hidden } = plan.stages[1]!.memory;
  expect({ weights, prompt, featureCache, hidden }).toEqual({
    weights: 4 * 46_440_704 * 4,
    // 4 layers, keys and values, 2 branches, 512 tokens
    prompt: 4 * 2 * 2 * 512 * 1536 * 4,
    // 4 layers, keys and values, 3 places, 4 latents
    featureCache: 4 * 2 * 3 * 4 * 1560 * 1536 * 4,
    // 2 places before it and 2 after it, 12 latents
    hidden: 4 * 12 * 1560 * 1536 * 4,
  });
});

test('two experts share the stages, each with a scale and its side of the boundary', () => {
  const bytes = float32Bytes(A14B);
  const sampling = { steps: 40, guidanceScale: 4, guidanceScale2: 3, flowShift: 12, maxSequenceLength: 512 };
  const plan = planRun(job({ sampling }), A14B, [bytes, bytes], devices(8));
  expect([plan.experts, plan.branches, plan.sampling.guidanceScales, plan.sampling.boundaryTimestep]).toEqual([
    2,
    2,
    [4, 3],
    875,
  ]);
  expect(plan.sampling.flowShift).toBe(12);
  expect(plan.stages[1]?.weightBytes).toBe(2 * 5 * 351_394_304 * 4);
});

test('the second expert takes the first one’s scale where it has none of its own', () => {
  const bytes = float32Bytes(A14B);
  expect(planRun(job(), A14B, [bytes, bytes], devices(8)).sampling.guidanceScales).toEqual([5, 5]);
});

test('a scale of 1 halves the items, and a rule of another kind is taken at its usual order', () => {
  const sampling = { steps: 10, guidanceScale: 1, scheduler: 'FlowMatchEuler' };
  const plan = planRun(job({ sampling }), WAN_1_3B, [float32Bytes(WAN_1_3B)], devices(8));
  expect([plan.branches, plan.sampling.scheduler]).toEqual([1, 'FlowMatchEuler']);
});

test('a window longer than the model was trained on runs with a warning', () => {
  const parallelism = { gpus: 8, blockLatents: 16, contextLatents: 8 };
  const { warnings } = planRun(job({ parallelism }), WAN_1_3B, [float32Bytes(WAN_1_3B)], devices(8));
  expect(warnings).toEqual([
    'a block sees 32 latents (blockLatents 16 + 2 × contextLatents 8), Wan was trained on 21: expect a worse picture',
  ]);
});

describe('what cannot run is refused with the number that is missing', () => {
  const plan = (changes: Record<string, unknown>, count: number) =>
    planRun(job(changes), WAN_1_3B, [float32Bytes(WAN_1_3B)], devices(count));
  const parallelism = (gpus: number, blockLatents = 8, contextLatents = 4) => ({
    parallelism: { gpus, blockLatents, contextLatents },
  });

  test.each([
    {
      what: 'more stages than layers',
      act: () => plan(parallelism(31), 64),
      message: 'parallelism.gpus is 31, but the model has 30 layers, one at least per device; ask for 30 or fewer',
    },
    {
      what: 'more stages than devices',
      act: () => plan(parallelism(8), 4),
      message: 'parallelism.gpus is 8, but this machine gives 4 devices; ask for 4 or fewer',
    },
    {
      what: 'a window past the model’s positions',
      act: () => plan({ ...parallelism(8, 700, 300), frames: 100_001 }, 8),
      message:
        'a block sees 1300 latents (blockLatents 700 + 2 × contextLatents 300), the model has positions for 1024; make blockLatents or contextLatents smaller',
    },
  ])('$what', ({ act, message }) => {
    expect(act).toThrow(expect.objectContaining({ message, exit: 'plan' }));
  });
});
