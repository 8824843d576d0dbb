import { isGuided } from '../diffusion/guidance.ts';
import type { ResolvedSampling } from './sampling.ts';

type Sampling = Pick<ResolvedSampling, 'guidanceScales' | 'guidanceInterval'>;

/** Why no step of a film is guided. */
export function whyUnguided({ guidanceScales, guidanceInterval }: Sampling): string {
  if (guidanceInterval === null || !guidanceScales.some(isGuided)) return `guidanceScale ${guidanceScales.join(' / ')}`;
  return `guidanceInterval ${guidanceInterval.low} to ${guidanceInterval.high} holds the noise level of no guided step`;
}

/** Says so where an interval was asked for that changes nothing, or leaves no guidance at all. */
export function intervalWarnings(sampling: Sampling, branches: number): readonly string[] {
  const { guidanceScales, guidanceInterval } = sampling;
  if (guidanceInterval === null || branches > 1) return [];
  if (!guidanceScales.some(isGuided))
    return [`guidanceInterval has no effect: ${whyUnguided(sampling)} is no guidance`];
  return [`the film is not guided: ${whyUnguided(sampling)}`];
}
