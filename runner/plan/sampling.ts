import type { JobSpec } from '#contract/job-spec.ts';
import { TRAIN_STEPS } from '../diffusion/timesteps.ts';
import type { ModelConfig } from '../model/config.ts';
import type { RightContext } from './schedule.ts';

/** The sampling of a run with every default of the model filled in. */
export interface ResolvedSampling {
  readonly scheduler: 'UniPC' | 'FlowMatchEuler';
  /** Highest order of the multistep rule. */
  readonly order: number;
  readonly steps: number;
  readonly flowShift: number;
  /** One scale per expert. */
  readonly guidanceScales: readonly number[];
  /** Noise levels with guidance, ends included; null: all. */
  readonly guidanceInterval: { readonly low: number; readonly high: number } | null;
  /** Timesteps at and above it belong to the first expert, lower ones to the second; null with one expert. */
  readonly boundaryTimestep: number | null;
  readonly rightContext: RightContext;
  /** Text tokens that the model sees, padding included. */
  readonly textTokens: number;
}

/** What the spec leaves open comes from the model; with two experts each gets a scale. */
export function resolveSampling({ sampling }: JobSpec, { scheduler, boundaryRatio }: ModelConfig): ResolvedSampling {
  const rule = sampling.scheduler ?? scheduler.kind;
  const scale = sampling.guidanceScale;
  const twoExperts = boundaryRatio !== null;
  return {
    scheduler: rule,
    order: rule === scheduler.kind ? scheduler.order : 2,
    steps: sampling.steps,
    flowShift: sampling.flowShift ?? scheduler.flowShift,
    guidanceInterval: sampling.guidanceInterval ?? null,
    guidanceScales: twoExperts ? [scale, sampling.guidanceScale2 ?? scale] : [scale],
    boundaryTimestep: twoExperts ? boundaryRatio * TRAIN_STEPS : null,
    rightContext: 'same-expert',
    textTokens: sampling.maxSequenceLength,
  };
}
