import type { ConditionsSaid } from '../../api/conditions.ts';
import { why } from '../../api/reasons.ts';
import { STALE_MS, silenceOf } from '../deadlines.ts';
import { podOf } from '../observed.ts';
import type { Context, Verdict } from '../verdict.ts';

/** Condition `ProgressStale`: a runner at work that nobody hears of. Nothing is said of one that has been heard all the time. */
export function silenceCondition(context: Context, verdict: Verdict): ConditionsSaid {
  const pod = verdict.outcome === 'live' ? podOf(verdict.job) : undefined;
  if (pod?.state === 'running' && silenceOf(context) >= STALE_MS)
    return { ProgressStale: { status: 'True', ...why('ProgressStale', { pod: pod.name }) } };
  const before = context.observed.status?.conditions?.some(({ type }) => type === 'ProgressStale') ?? false;
  return before ? { ProgressStale: { status: 'False', ...why('ProgressHeard') } } : {};
}
