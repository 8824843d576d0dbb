/** Noise levels of a run: `sigmas` (float32, one more than steps, the last is 0) and the timestep that the model is told per step. */
export interface NoiseLevels {
  readonly sigmas: Float32Array;
  readonly timesteps: Float32Array;
}

/** Steps of the training schedule; Wan's schedulers all have this many. */
export const TRAIN_STEPS = 1000;

/** Flow sigmas of UniPC (docs/wan.md#unipc): shifted once, timesteps cut to whole numbers. `steps` ≥ 1, `shift` > 0. */
export function uniPcLevels(steps: number, shift: number): NoiseLevels {
  const sigmas = new Float32Array(steps + 1);
  const timesteps = new Float32Array(steps);
  for (let step = 0; step < steps; step++) {
    const unshifted = between(1, 1 / TRAIN_STEPS, step, steps);
    const shifted = shiftedSigma(unshifted, shift);
    // ln(1 − σ) must stay finite.
    const sigma = Math.abs(shifted - 1) < 1e-6 ? shifted - 1e-6 : shifted;
    sigmas[step] = sigma;
    timesteps[step] = Math.trunc(sigma * TRAIN_STEPS);
  }
  return { sigmas, timesteps };
}

/** Sigmas of FlowMatchEuler with a static shift (docs/wan.md#flow-euler): its class shifts twice, and timesteps keep their fraction. */
export function flowEulerLevels(steps: number, shift: number): NoiseLevels {
  const lowest = shiftedSigma(1 / TRAIN_STEPS, shift);
  const sigmas = new Float32Array(steps + 1);
  const timesteps = new Float32Array(steps);
  for (let step = 0; step < steps; step++) {
    const unshifted = steps === 1 ? 1 : between(1, lowest, step, steps - 1);
    sigmas[step] = shiftedSigma(unshifted, shift);
    timesteps[step] = sigmas[step]! * TRAIN_STEPS;
  }
  return { sigmas, timesteps };
}

function shiftedSigma(sigma: number, shift: number): number {
  return (shift * sigma) / (1 + (shift - 1) * sigma);
}

function between(start: number, end: number, index: number, intervals: number): number {
  return start + index * ((end - start) / intervals);
}
