import type { BlockState } from './block-state.ts';
import { samplerError } from './errors.ts';
import { flowEulerStep } from './flow-euler.ts';
import { flowEulerLevels, type NoiseLevels, uniPcLevels } from './timesteps.ts';
import { STEP_NUMBERS, uniPcStep, uniPcTable } from './unipc.ts';

/** Names of the rules as the job spec spells them. */
export type SamplerRule = 'UniPC' | 'FlowMatchEuler';

/** How the blocks of a run are denoised: rule, its highest order (UniPC: 1 or 2), number of steps, shift of the noise levels. */
export interface SamplerSettings {
  readonly scheduler: SamplerRule;
  readonly order: number;
  readonly steps: number;
  readonly flowShift: number;
}

/** The rule with its tables. */
export interface Sampler {
  readonly levels: NoiseLevels;
  /** One step of one block in place, with the guided velocity `[C, F, h, w]` of its own latents. Allocates nothing. */
  readonly step: (state: BlockState, velocity: Float32Array) => void;
  /** The same step as a linear form for those who compute it elsewhere: the row of a step as in UniPC's table (unipc.ts). */
  readonly formOf: (step: number) => Float64Array;
}

/**
 * Refuses settings whose noise levels cannot be stepped through: they must fall, step by step, from at most 1 to above 0.
 * Throws `E_SAMPLING_LEVELS`.
 */
export function checkLevels(settings: SamplerSettings): void {
  const { sigmas } = createSampler(settings).levels;
  const bad = sigmas.findIndex((sigma, step) => {
    if (step === settings.steps) return sigma !== 0;
    return !(sigma > 0 && sigma <= 1 && (step === 0 || sigma < sigmas[step - 1]!));
  });
  if (bad < 0) return;
  const { scheduler, steps, flowShift } = settings;
  throw samplerError('E_SAMPLING_LEVELS', { scheduler, steps, shift: flowShift, step: bad, found: sigmas[bad]! });
}

/** Tables and step of a rule. Every thread may make its own: they depend on the settings alone. */
export function createSampler({ scheduler, order, steps, flowShift }: SamplerSettings): Sampler {
  if (scheduler === 'FlowMatchEuler') {
    const levels = flowEulerLevels(steps, flowShift);
    const { sigmas } = levels;
    return {
      levels,
      step: (state, velocity) => flowEulerStep(state, velocity, sigmas),
      // The estimate of this form is the next sample itself: nothing else is looked at.
      formOf: (step) => Float64Array.of(sigmas[step]! - sigmas[step + 1]!, 0, 0, 1, 0, 0, 1, 0, 0),
    };
  }
  const levels = uniPcLevels(steps, flowShift);
  const table = uniPcTable(levels.sigmas, order);
  return {
    levels,
    step: (state, velocity) => uniPcStep(state, velocity, table),
    formOf: (step) => table.subarray(step * STEP_NUMBERS, (step + 1) * STEP_NUMBERS),
  };
}
