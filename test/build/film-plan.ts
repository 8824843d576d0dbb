import { type JobSpec, jobSpecSchema } from '#contract/job-spec.ts';
import type { ModelConfig } from '../../runner/model/config.ts';
import { transformerTensors } from '../../runner/model/tensor-names.ts';
import { transformerBytes } from '../../runner/plan/memory.ts';
import { type Plan, planRun } from '../../runner/plan/plan.ts';
import { elementCount } from '../../runner/tensor.ts';

/** Wan2.1 T2V 1.3B. */
export const WAN_1_3B: ModelConfig = {
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
  vae: {
    baseWidth: 96,
    latentChannels: 16,
    multipliers: [1, 2, 4, 4],
    residualBlocks: 2,
    temporal: [false, true, true],
    mean: [],
    std: [],
  },
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

/** Wan2.2 T2V A14B: two experts. */
export const A14B: ModelConfig = {
  ...WAN_1_3B,
  transformer: { ...WAN_1_3B.transformer, layers: 40, heads: 40, width: 5120, feedForwardWidth: 13824 },
  transformer2: { ...WAN_1_3B.transformer, layers: 40, heads: 40, width: 5120, feedForwardWidth: 13824 },
  boundaryRatio: 0.875,
};

/** Stored bytes of a model's transformer in float32. */
export const float32Bytes = ({ transformer }: ModelConfig) =>
  transformerBytes(
    [...transformerTensors(transformer)].map(([name, shape]) => [name, elementCount(shape) * 4]),
    transformer.layers,
  );

/** A film of 1025 frames in 50 steps on 8 devices, but for the given changes of whole fields. */
export function job(changes: Record<string, unknown> = {}): JobSpec {
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

/** Devices by their names. */
export const devices = (count: number) => Array.from({ length: count }, (_, index) => ({ name: `gpu:${index}` }));

/** The plan of {@link job} for {@link WAN_1_3B}, with changes within sampling and parallelism. */
export function filmPlan({ frames = 1025, sampling = {}, parallelism = {} }: FilmChanges): Plan {
  const spec = job({
    frames,
    sampling: { steps: 50, guidanceScale: 5, maxSequenceLength: 512, ...sampling },
    parallelism: { gpus: 8, blockLatents: 8, contextLatents: 4, ...parallelism },
  });
  return planRun(spec, WAN_1_3B, [float32Bytes(WAN_1_3B)], devices(spec.parallelism.gpus));
}

interface FilmChanges {
  readonly frames?: number;
  readonly sampling?: Record<string, unknown>;
  readonly parallelism?: Record<string, unknown>;
}
