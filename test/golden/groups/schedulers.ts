import { join } from 'node:path';
import { newBlockState } from '../../../runner/diffusion/block-state.ts';
import { createSampler, type SamplerRule } from '../../../runner/diffusion/sampler.ts';
import { readTensors, type TensorFile } from '../../../runner/weights/read-tensors.ts';
import { BOUND, type Comparison, type GroupCheck, largestDifference } from '../compare.ts';

const RULES: Readonly<Record<string, SamplerRule>> = { unipc: 'UniPC', euler: 'FlowMatchEuler' };
/** Sigmas are one float32 rounding apart at most. */
const SIGMA_BOUND = 2e-7;
/** UniPC's timesteps are whole; FlowMatchEuler's are a thousand float32 sigmas. */
const TIMESTEP_BOUND = { UniPC: 0, FlowMatchEuler: 1e-3 } as const;

/** The reference's stand-in for a model: v(x, t) = ½ tanh x + 0.3 sin 3x + t/2000. */
function velocity(x: Float32Array, timestep: number): Float32Array {
  return x.map((value) => 0.5 * Math.tanh(value) + 0.3 * Math.sin(3 * value) + timestep / 2000);
}

function compareCase(golden: TensorFile, key: string): readonly Comparison[] {
  const [rule = '', steps, ...shift] = key.split('.');
  const scheduler = RULES[rule]!;
  const sampler = createSampler({ scheduler, order: 2, steps: Number(steps), flowShift: Number(shift.join('.')) });
  const wanted = golden.f32(`${key}.x`);
  const width = wanted.data.length / Number(steps);
  const state = newBlockState(Float32Array.from({ length: width }, (_, index) => -2 + (index * 4) / (width - 1)));
  const seen = new Float32Array(wanted.data.length);
  for (let step = 0; step < Number(steps); step++) {
    sampler.step(state, velocity(state.x, sampler.levels.timesteps[step]!));
    seen.set(state.x, step * width);
  }
  const group = (what: string, delta: number, bound: number) => ({
    group: `schedulers ${key} ${what}`,
    tensors: 1,
    delta,
    bound,
  });
  const { timesteps, sigmas } = sampler.levels;
  return [
    group('timesteps', largestDifference(timesteps, golden.f32(`${key}.timesteps`).data), TIMESTEP_BOUND[scheduler]),
    group('sigmas', largestDifference(sigmas, golden.f32(`${key}.sigmas`).data), SIGMA_BOUND),
    group('x', largestDifference(seen, wanted.data), BOUND),
  ];
}

/** Timesteps, sigmas and every step of both rules. */
export const schedulerCheck: GroupCheck = {
  name: 'schedulers',
  files: ['schedulers.safetensors'],
  run(folder) {
    const golden = readTensors(join(folder, 'schedulers.safetensors'));
    const keys = golden.names.filter((name) => name.endsWith('.x')).map((name) => name.slice(0, -'.x'.length));
    return keys.sort().flatMap((key) => compareCase(golden, key));
  },
};
