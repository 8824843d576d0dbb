import { describe, expect, it } from 'vitest';
import { type JobSpec, jobSpecSchema } from '#contract/job-spec.ts';
import { seededNoise } from './diffusion/noise-pool.ts';
import { torchNoise } from './diffusion/torch-noise.ts';
import { noiseOf } from './noise.ts';
import type { Plan } from './plan/plan.ts';

const plan = {
  latentChannels: 16,
  latentHeight: 2,
  latentWidth: 4,
  blocks: 3,
  blockLatents: 2,
  contextLatents: 1,
} as Plan;
const shape = { channels: 16, poolLatents: 3, height: 2, width: 4, blocks: 3, blockLatents: 2 };

const spec = (sampling: object): JobSpec =>
  jobSpecSchema.parse({
    name: 'film',
    prompt: 'a lighthouse',
    seed: 5,
    frames: 21,
    size: { width: 32, height: 16 },
    model: { ref: 'wan', folder: '/wan' },
    sampling,
    parallelism: { gpus: 1, blockLatents: 2, contextLatents: 1 },
    output: { folder: '/out' },
  });

describe('the noise of a run', () => {
  it.each([
    { what: 'drawn by counters unless said', sampling: {}, wanted: seededNoise(5, shape) },
    { what: 'drawn as PyTorch draws it', sampling: { noise: 'torch' }, wanted: torchNoise(5, shape) },
  ])('is $what', ({ sampling, wanted }) => {
    expect(noiseOf(spec(sampling), plan, undefined)).toEqual(wanted);
  });

  it('cannot be as in PyTorch for fewer than sixteen numbers', () => {
    const tiny = { ...plan, latentChannels: 1, latentWidth: 2 };
    expect(() => noiseOf(spec({ noise: 'torch' }), tiny, undefined)).toThrow(
      expect.objectContaining({ code: 'E_NOISE_TORCH', message: expect.stringMatching(/at least 16 .* has 12/) }),
    );
  });
});
