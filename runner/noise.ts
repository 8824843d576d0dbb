import { CodedError, defineErrors } from '#contract/error.ts';
import type { JobSpec } from '#contract/job-spec.ts';
import { givenNoise, type NoiseShape, type NoiseSource, poolShape, seededNoise } from './diffusion/noise-pool.ts';
import { torchNoise } from './diffusion/torch-noise.ts';
import { TORCH_GROUP } from './diffusion/torch-normals.ts';
import type { Plan } from './plan/plan.ts';
import { elementCount } from './tensor.ts';
import { readTensors } from './weights/read-tensors.ts';

const runNoiseError = defineErrors({
  E_NOISE_FILE: {
    message:
      '--noise {file}: {reason}; it holds pool [1, channels, latents, height, width] and, for more than one block, permutations [blocks − 1, blockLatents]',
    fixer: 'user',
    exit: 'spec',
  },
  E_NOISE_TORCH: {
    message:
      'sampling.noise torch needs a pool of at least {wanted} numbers, this run has {found}: take a larger picture or counter',
    fixer: 'user',
    exit: 'spec',
  },
});

/**
 * The run's noise: drawn from the spec's seed in the way of `sampling.noise`, or read from a file that holds a pool and the orders
 * of its rearrangements.
 */
export function noiseOf(spec: JobSpec, plan: Plan, file: string | undefined): NoiseSource {
  const shape = noiseShapeOf(plan);
  if (file !== undefined) return readNoise(file, shape);
  return spec.sampling.noise === 'torch' ? likeTorch(spec.seed, shape) : seededNoise(spec.seed, shape);
}

/** What the noise of a plan must look like. */
export function noiseShapeOf(plan: Plan): NoiseShape {
  return {
    channels: plan.latentChannels,
    poolLatents: plan.blockLatents + plan.contextLatents,
    height: plan.latentHeight,
    width: plan.latentWidth,
    blocks: plan.blocks,
    blockLatents: plan.blockLatents,
  };
}

function likeTorch(seed: number, shape: NoiseShape): NoiseSource {
  const found = elementCount(poolShape(shape));
  if (found < TORCH_GROUP) throw runNoiseError('E_NOISE_TORCH', { found, wanted: TORCH_GROUP });
  return torchNoise(seed, shape);
}

function readNoise(file: string, shape: NoiseShape): NoiseSource {
  try {
    const tensors = readTensors(file);
    const pool = tensors.f32('pool');
    const orders = tensors.has('permutations') ? rows(tensors.integers('permutations')) : [];
    return givenNoise(pool, orders, shape);
  } catch (error) {
    if (error instanceof CodedError && error.code.startsWith('E_NOISE')) throw error;
    throw runNoiseError('E_NOISE_FILE', { file, reason: (error as Error).message }, error);
  }
}

function rows(matrix: { readonly shape: readonly number[]; readonly data: readonly number[] }): readonly number[][] {
  const [count = 0, length = 0] = matrix.shape;
  return Array.from({ length: count }, (_, row) => matrix.data.slice(row * length, (row + 1) * length));
}
