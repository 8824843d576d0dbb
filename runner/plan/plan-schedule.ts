import { isGuided } from '../diffusion/guidance.ts';
import { createSampler } from '../diffusion/sampler.ts';
import { TRAIN_STEPS } from '../diffusion/timesteps.ts';
import type { ResolvedSampling } from './sampling.ts';
import type { LeftContext, ScheduleSettings } from './schedule.ts';

/** What a plan's order of work depends on. */
export interface ScheduledPlan {
  readonly blocks: number;
  readonly branches: number;
  readonly contextLatents: number;
  readonly leftContext: LeftContext;
  readonly stride: number;
  readonly sampling: ResolvedSampling;
}

/** The order of work of a plan: which expert makes a step, and with how many branches, follows from the step's timestep. */
export function scheduleOf(plan: ScheduledPlan): ScheduleSettings {
  const { blocks, branches, contextLatents, leftContext, sampling, stride } = plan;
  const { timesteps } = createSampler(sampling).levels;
  const expertOfStep = Array.from(timesteps, (timestep) => expertAt(sampling, timestep));
  const branchesOfStep = Array.from(timesteps, (timestep, step) =>
    isGuidedAt(sampling, timestep, expertOfStep[step]!) ? branches : 1,
  );
  const { steps, rightContext } = sampling;
  return { blocks, steps, stride, branches, branchesOfStep, contextLatents, expertOfStep, rightContext, leftContext };
}

function expertAt({ boundaryTimestep }: ResolvedSampling, timestep: number): number {
  return boundaryTimestep !== null && timestep < boundaryTimestep ? 1 : 0;
}

/** Noise levels as in the spec: 1 is pure noise. */
function isGuidedAt({ guidanceInterval, guidanceScales }: ResolvedSampling, timestep: number, expert: number): boolean {
  if (!isGuided(guidanceScales[expert]!)) return false;
  if (guidanceInterval === null) return true;
  const level = timestep / TRAIN_STEPS;
  return level >= guidanceInterval.low && level <= guidanceInterval.high;
}
