import { describe, expect, test } from 'vitest';
import { type JobSpec, jobSpecSchema } from '#contract/job-spec.ts';
import { planSummarySchema } from '#contract/progress.ts';
import type { ModelConfig } from '../model/config.ts';
import { transformerTensors } from '../model/tensor-names.ts';
import { elementCount } from '../tensor.ts';
import { transformerBytes } from './memory.ts';
import { planRun } from './plan.ts';

const WAN_1_3B: ModelConfig = {
  transformer: {
    layers: 30,
    heads: 12,
    headWidth: 128,
    width: 1536,
    feedForwardWidth: 8960,
    latentChannels: 16,
    textWidth: 4096,
    timeWidth: 256,
    epsilon: 1e-6,
    maxPositions: 1024,
  },
  transformer2: null,
  boundaryRatio: null,
  vae: { baseWidth: 96, latentChannels: 16, multipliers: [], residualBlocks: 2, temporal: [], mean: [], std: [] },
  text: {
    layers: 24,
    heads: 64,
    headWidth: 64,
    width: 4096,
    feedForwardWidth: 10240,
    vocabulary: 256384,
    buckets: 32,
    maxDistance: 128,
    epsilon: 1e-6,
  },
  scheduler: { kind: 'UniPC', trainTimesteps: 1000, flowShift: 3, order: 2 },
};
const A14B: ModelConfig = {
  ...WAN_1_3B,
  transformer: { ...WAN_1_3B.transformer, layers: 40, heads: 40, width: 5120, feedForwardWidth: 13824 },
  transformer2: { ...WAN_1_3B.transformer, layers: 40, heads: 40, width: 5120, feedForwardWidth: 13824 },
  boundaryRatio: 0.875,
};

const float32Bytes = ({ transformer }: ModelConfig) =>
  transformerBytes(
    [...transformerTensors(transformer)].map(([name, shape]) => [name, elementCount(shape) * 4]),
    transformer.layers,
  );

function job(changes: Record<string, unknown> = {}): JobSpec {
  return jobSpecSchema.parse({
    name: 'film',
    prompt: 'a lighthouse',
    negativePrompt: '',
    seed: 1,
    frames: 1025,
    size: { width: 832, height: 480 },
    fps: 16,
    model: { ref: 'wan', folder: '/wan' },
    sampling: { steps: 50, guidanceScale: 5, maxSequenceLength: 512 },
    parallelism: { gpus: 8, blockLatents: 8, contextLatents: 4 },
    output: { folder: '/out', formats: ['mp4'] },
    ...changes,
  });
}

const devices = (count: number, memoryBytes: number | null = null) =>
  Array.from({ length: count }, (_, index) => ({ name: `gpu:${index}`, memoryBytes }));

test('a film of 1025 frames on 8 devices', () => {
  const { stages, ...plan } = planRun(job(), WAN_1_3B, [float32Bytes(WAN_1_3B)], devices(8));
  expect(plan).toEqual({
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
    experts: 1,
    latentChannels: 16,
    latentHeight: 60,
    latentWidth: 104,
    tokensPerLatent: 1560,
    ringSlots: 2,
    sampling: {
      scheduler: 'UniPC',
      order: 2,
      steps: 50,
      flowShift: 3,
      guidanceScales: [5],
      boundaryTimestep: null,
      rightContext: 'same-expert',
      textTokens: 512,
    },
    warnings: [],
  });
  expect(stages.map(({ firstLayer, endLayer }) => endLayer - firstLayer)).toEqual([4, 4, 4, 4, 4, 4, 3, 3]);
  // 46,440,704 parameters a layer; the patch embedding with the first stage, the head with the last.
  expect(stages.map(({ weightBytes }) => weightBytes)).toEqual([
    (4 * 46_440_704 + 1536 * 65) * 4,
    ...new Array(5).fill(4 * 46_440_704 * 4),
    3 * 46_440_704 * 4,
    (3 * 46_440_704 + 2 * 1536 + 64 * 1536 + 64) * 4,
  ]);
  expect(planSummarySchema.parse({ ...plan, stages }).blockSteps).toBe(1600);
});

test('memory of a stage in the middle, by use', () => {
  const plan = planRun(job(), WAN_1_3B, [float32Bytes(WAN_1_3B)], devices(8));
  const { weights, prompt, featureCache, hidden, working, total } = plan.stages[1]!.memory;
  expect({ weights, prompt, featureCache, hidden }).toEqual({
    weights: 4 * 46_440_704 * 4,
    // 4 layers, keys and values, 2 branches, 512 tokens
    prompt: 4 * 2 * 2 * 512 * 1536 * 4,
    // 4 layers, keys and values, 3 places, 4 latents
    featureCache: 4 * 2 * 3 * 4 * 1560 * 1536 * 4,
    // 2 places before it and 2 after it, 12 latents
    hidden: 4 * 12 * 1560 * 1536 * 4,
  });
  expect(working).toBeGreaterThan(2 * 12 * 1560 * 8960 * 4);
  expect(total).toBe(weights + prompt + featureCache + hidden + working);
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
  const plan = (changes: Record<string, unknown>, count: number, memoryBytes: number | null = null) =>
    planRun(job(changes), WAN_1_3B, [float32Bytes(WAN_1_3B)], devices(count, memoryBytes));
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
    {
      what: 'a stage larger than its device',
      act: () => plan(parallelism(8), 8, 2 ** 30),
      message: expect.stringMatching(
        /^stage 0 \(layers 0–3\) needs \d\.\d\d GiB of memory on gpu:0, which has 1\.00 GiB: \d\.\d\d GiB too little; /,
      ),
    },
  ])('$what', ({ act, message }) => {
    expect(act).toThrow(expect.objectContaining({ message, exit: 'plan' }));
  });
});
