import type { BlockState } from './block-state.ts';
import { flowEulerStep } from './flow-euler.ts';
import { flowEulerLevels, type NoiseLevels, uniPcLevels } from './timesteps.ts';
import { uniPcStep, uniPcTable } from './unipc.ts';

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
}

/** Tables and step of a rule. Every thread may make its own: they depend on the settings alone. */
export function createSampler({ scheduler, order, steps, flowShift }: SamplerSettings): Sampler {
  if (scheduler === 'FlowMatchEuler') {
    const levels = flowEulerLevels(steps, flowShift);
    return { levels, step: (state, velocity) => flowEulerStep(state, velocity, levels.sigmas) };
  }
  const levels = uniPcLevels(steps, flowShift);
  const table = uniPcTable(levels.sigmas, order);
  return { levels, step: (state, velocity) => uniPcStep(state, velocity, table) };
}
