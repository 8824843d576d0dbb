import { nextConditions, phaseOf } from '../api/conditions.ts';
import { defined } from '../api/defined.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { timeText } from '../api/time.ts';
import { newestPod } from './observed.ts';
import { countOutcome } from './policy/attempts.ts';
import { outputOf } from './policy/output.ts';
import { progressOf } from './policy/progress.ts';
import { kstatusConditions, type Standing, standingConditions } from './policy/standing.ts';
import { warningsCondition } from './policy/warnings.ts';
import { whyWaiting } from './policy/why-waiting.ts';
import type { Context, Verdict } from './verdict.ts';

/** The status that tells a verdict: each part by the one reporter that owns it. Undefined where nothing is to be written. */
export function report(context: Context, verdict: Verdict): VideoGenerationStatus | undefined {
  const { observed, now } = context;
  if (verdict.outcome === 'leaving') return undefined;
  if (verdict.outcome === 'settled') return settled(context);
  const waiting = whyWaiting(observed, verdict);
  const shown = progressOf(observed, verdict);
  const output = outputOf(observed, verdict);
  const standing: Standing = { verdict, pod: newestPod(observed), waiting, progress: shown.progress, output };
  const conditions = nextConditions(
    observed.status?.conditions ?? [],
    { ...kstatusConditions(standing), ...standingConditions(standing), ...warningsCondition(observed, verdict) },
    { generation: observed.resource.generation, time: timeText(now) },
  );
  return {
    observedGeneration: observed.resource.generation,
    phase: phaseOf(conditions),
    ...waiting,
    conditions: [...conditions],
    ...timesOf(context, verdict),
    ...shown,
    failures: countOutcome(context.attempts, 'Failed'),
    disruptions: countOutcome(context.attempts, 'Disrupted'),
    ...defined({ attempts: context.attempts.length === 0 ? undefined : [...context.attempts], output }),
  };
}

/** A film that is over answers later generations of its spec with what it is. */
function settled({ observed: { resource, status } }: Context): VideoGenerationStatus | undefined {
  return status === undefined ? undefined : { ...status, observedGeneration: resource.generation };
}

/** The first Job's start, from which on the film's fields are fixed, and the end. */
function timesOf(
  { observed, now }: Context,
  verdict: Verdict,
): Pick<VideoGenerationStatus, 'startTime' | 'completionTime'> {
  const starts = verdict.outcome === 'start' ? timeText(now) : undefined;
  const startTime = observed.status?.startTime ?? observed.jobs[0]?.created ?? starts;
  const end = verdict.outcome === 'complete' ? (verdict.endTime ?? timeText(now)) : timeText(now);
  const over = verdict.outcome === 'complete' || verdict.outcome === 'failed';
  return defined({ startTime, completionTime: over ? end : undefined });
}
