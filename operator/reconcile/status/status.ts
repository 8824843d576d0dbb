import { type ConditionsSaid, nextConditions, phaseOf } from '../../api/conditions.ts';
import { defined } from '../../api/defined.ts';
import { conditionIs } from '../../api/kubernetes.ts';
import type { VideoGenerationStatus } from '../../api/status.ts';
import { timeText } from '../../api/time.ts';
import { activeSecondsOf } from '../active-time.ts';
import { countersOf, newEnds, plausible } from '../attempts.ts';
import { forgottenFailures } from '../retries.ts';
import { suspendedCondition } from '../suspension.ts';
import { closedLate, lostWith, usageOf } from '../usage.ts';
import type { Context, Verdict } from '../verdict.ts';
import { bounded, boundedAttempt } from './bounds.ts';
import { checkpointCondition, checkpointOf } from './checkpoint.ts';
import { claimOf } from './claim.ts';
import { devicesCondition } from './devices.ts';
import { keptAttempts } from './kept-attempts.ts';
import { outputOf } from './output.ts';
import { progressOf } from './progress.ts';
import { silenceCondition } from './silence.ts';
import { specAppliedCondition } from './spec-applied.ts';
import { kstatusConditions, type Standing, standingConditions } from './standing.ts';
import { warningsCondition } from './warnings.ts';
import { whyNotRunning } from './why-not-running.ts';

/** The status that tells a verdict: each part by the one reporter that owns it. Undefined where nothing is to be written. */
export function statusOf(context: Context, verdict: Verdict): VideoGenerationStatus | undefined {
  const { observed, now } = context;
  if (verdict.outcome === 'leaving') return undefined;
  if (verdict.outcome === 'settled') return settled(context);
  if (verdict.outcome === 'unsure') return observed.status;
  const waiting = whyNotRunning(observed, verdict);
  const shown = progressOf(context, verdict);
  const output = outputOf(observed, verdict);
  const standing: Standing = { verdict, waiting, progress: shown.progress, output };
  const conditions = nextConditions(
    observed.status?.conditions ?? [],
    {
      ...kstatusConditions(standing),
      ...standingConditions(standing),
      ...suspendedCondition(observed, verdict),
      ...silenceCondition(context, verdict),
      ...specAppliedCondition(observed, verdict),
      ...checkpointCondition(context, verdict),
      ...devicesCondition(context, verdict),
      ...warningsCondition(observed, verdict),
    },
    { generation: observed.resource.generation, time: timeText(now) },
  );
  return bounded({
    observedGeneration: observed.resource.generation,
    phase: phaseOf(conditions),
    ...waiting,
    conditions: [...conditions],
    ...timesOf(context, verdict),
    ...shown,
    ...checkpointOf(context, verdict),
    ...countersOf(context.attempts, observed.status),
    ...activeOf(context),
    ...defined({ forgottenFailures: forgottenFailures(context) || undefined, usage: usageOf(context, verdict) }),
    ...defined({ claim: claimOf(observed, verdict), output }),
    ...keptAttempts(lostWith(context.attempts, verdict), observed.status?.earlierAttempts),
  });
}

function activeOf(context: Context): Pick<VideoGenerationStatus, 'activeSeconds'> {
  const activeSeconds = activeSecondsOf(context);
  return activeSeconds === 0 ? {} : { activeSeconds };
}

/** A film that is over answers later generations of its spec with what it is. */
function settled(context: Context): VideoGenerationStatus | undefined {
  const status = withLateEnds(context);
  if (status === undefined) return undefined;
  const { generation } = context.observed.resource;
  const told = nextConditions(status.conditions, lostConditions(status), { generation, time: timeText(context.now) });
  const conditions = told.map((condition) => ({ ...condition, observedGeneration: generation }));
  return { ...status, observedGeneration: generation, phase: phaseOf(conditions), conditions };
}

/** What was at work when the film was over ends later, and has cost something: nothing else of the status changes by that. */
function withLateEnds(context: Context): VideoGenerationStatus | undefined {
  const { status } = context.observed;
  const attempts = closedLate(context);
  if (status === undefined || newEnds(attempts, status.attempts).length === 0) return status;
  const usage = usageOf({ ...context, attempts }, { outcome: 'settled' });
  return { ...status, ...defined({ usage }), attempts: attempts.map(boundedAttempt) };
}

/** What is said again of a film that is there, where somebody has taken away that it is complete. */
function lostConditions({ conditions, claim, progress, output }: VideoGenerationStatus): ConditionsSaid {
  if (output === undefined || conditionIs(conditions, 'Complete', 'True')) return {};
  const verdict = { outcome: 'complete', job: claim?.job ?? '', result: undefined } as const;
  const standing: Standing = { verdict, waiting: undefined, progress, output };
  return { ...kstatusConditions(standing), ...standingConditions(standing) };
}

/** The first Job's start, from which on the film's fields are fixed, and the end. */
function timesOf(
  { observed, now }: Context,
  verdict: Verdict,
): Pick<VideoGenerationStatus, 'startTime' | 'completionTime'> {
  const starts = verdict.outcome === 'start' ? timeText(now) : undefined;
  // A Job that is gone leaves its pods: they hold the spec fast as well.
  const begun = observed.jobs.flatMap(({ created, pods }) => [created, ...pods.map((pod) => pod.created)]);
  const startTime = observed.status?.startTime ?? begun.find((time) => time !== undefined) ?? starts;
  const told = verdict.outcome === 'complete' ? verdict.endTime : undefined;
  const end = told === undefined ? timeText(now) : plausible(told, now);
  const over = verdict.outcome === 'complete' || verdict.outcome === 'failed';
  return defined({ startTime, completionTime: over ? end : undefined });
}
