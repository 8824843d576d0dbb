import { defined } from '../api/defined.ts';
import { why } from '../api/reasons.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { jobName } from '../job/names.ts';
import type { Decision } from './decide.ts';
import { REFUSED_MS, type Refusal } from './observed.ts';
import { jobStartedEvent, type StatusEvent, statusEvents } from './status/events.ts';
import { statusOf } from './status/status.ts';
import type { Action } from './verdict.ts';

/**
 * How an action ended. `retry` failures pass by themselves; `stale` met an object that had changed; `refused` waits for a
 * quota, a right or (`final`) another spec; `moot` no longer matters.
 */
export interface ActionOutcome {
  readonly action: Action;
  readonly result: 'done' | 'already' | 'retry' | 'stale' | 'refused' | 'moot';
  readonly detail?: string;
  readonly final?: boolean;
  /** Identity of the Job that was made. */
  readonly jobUid?: string;
  /** The API server said how long to leave it alone. */
  readonly retryAfterMs?: number;
}

/** What is written after the actions, and whether the key comes back. */
export interface Settlement {
  readonly status: VideoGenerationStatus | undefined;
  readonly events: readonly StatusEvent[];
  /** Something failed: come back with growing delays, or after the time that is given. */
  readonly again: boolean;
  readonly requeueAfterMs?: number;
  /** What was refused, to be remembered. */
  readonly refusal?: Refusal;
}

const NOTHING = { status: undefined, events: [] } as const;

/**
 * Turns a decision and what came of its actions into what is written. Pure. A refused Job is said in the status; a failure
 * that passes by itself writes nothing new and comes back. `before` is what is written down already.
 */
export function settle(
  decision: Decision,
  outcomes: readonly ActionOutcome[],
  before: VideoGenerationStatus | undefined = decision.context.observed.status,
): Settlement {
  if (outcomes.some(({ result }) => result === 'moot')) return { ...NOTHING, again: false };
  const failed = outcomes.find(({ result }) => result !== 'done' && result !== 'already');
  if (failed !== undefined && standsAnyway(decision, failed)) return standing(decision, failed, before);
  if (failed?.result === 'refused') return refused(decision, failed, before);
  if (failed !== undefined) return { ...NOTHING, again: true, ...defined({ requeueAfterMs: failed.retryAfterMs }) };
  const status = withJob(decision.status, outcomes);
  const news = status === undefined ? [] : statusEvents(before, status);
  const timer = defined({ requeueAfterMs: decision.requeueAfterMs });
  return { status, events: [...startedEvents(decision, outcomes), ...news], again: false, ...timer };
}

/**
 * Whether what was decided is written although a Job or a pod that must go could not be deleted: the end of a film does not depend on that, and
 * the deletion is tried again. An end without a film is written only if the server said no: else the Job may have ended meanwhile.
 */
function standsAnyway({ verdict }: Decision, { action, result }: ActionOutcome): boolean {
  if (action.type === 'delete-film') return result === 'refused';
  if (action.type !== 'delete-job' && action.type !== 'delete-pod') return false;
  return result === 'refused' || (verdict.outcome === 'complete' && verdict.result?.film !== undefined);
}

function standing(
  { status }: Decision,
  { result, retryAfterMs }: ActionOutcome,
  before: VideoGenerationStatus | undefined,
): Settlement {
  const events = status === undefined ? [] : statusEvents(before, status);
  const later = result === 'refused' ? REFUSED_MS : retryAfterMs;
  return { status, events, again: result !== 'refused', ...defined({ requeueAfterMs: later }) };
}

/** The claim is fulfilled: the Job is there, and so is its frozen spec if all that was to be done for it was. */
function withJob(
  status: VideoGenerationStatus | undefined,
  outcomes: readonly ActionOutcome[],
): VideoGenerationStatus | undefined {
  const made = outcomes.find((outcome) => uidOf(outcome) !== undefined);
  if (status?.claim === undefined || made === undefined) return status;
  const isFrozen = made.result === 'done' || made.result === 'already';
  return { ...status, claim: { ...status.claim, ...defined({ jobUid: uidOf(made), frozen: isFrozen || undefined }) } };
}

/** Identity of the Job that an action was for, where it is known. */
function uidOf({ action, jobUid, result }: ActionOutcome): string | undefined {
  return action.type === 'freeze' && result === 'done' ? action.jobUid : jobUid;
}

function refused(decision: Decision, outcome: ActionOutcome, before: VideoGenerationStatus | undefined): Settlement {
  const { action, detail = '', final = false } = outcome;
  const { context } = decision;
  const { resource } = context.observed;
  const object = 'attempt' in action ? jobName(resource, action.attempt) : 'name' in action ? action.name : '';
  const told = why('JobRefused', { job: object, detail });
  const refusal = { until: context.now + REFUSED_MS, why: told, final };
  const verdict = final
    ? ({ outcome: 'stalled', why: told } as const)
    : ({ outcome: 'refused', at: refusal.until, why: told } as const);
  const status = claimed(statusOf(context, verdict), decision, outcome);
  const events = status === undefined ? [] : statusEvents(before, status);
  const remembered = action.type === 'create-job' ? { refusal } : {};
  return { status, events, again: false, requeueAfterMs: REFUSED_MS, ...remembered };
}

/**
 * The number of a Job that was refused stays claimed, and a Job that is there without its frozen spec is known; but a first Job
 * that was not made fixes nothing: what the film is made from can still be changed.
 */
function claimed(
  status: VideoGenerationStatus | undefined,
  decision: Decision,
  outcome: ActionOutcome,
): VideoGenerationStatus | undefined {
  if (status === undefined || outcome.action.type !== 'create-job') return status;
  const { observed, attempts } = decision.context;
  const { claim: before, startTime, ...rest } = status;
  if (attempts.length === 0 && observed.jobs.length === 0 && outcome.jobUid === undefined) return rest;
  const started = defined({
    claim: decision.status?.claim ?? before,
    startTime: decision.status?.startTime ?? startTime,
  });
  return withJob({ ...rest, ...started }, [outcome]);
}

function startedEvents({ context, verdict }: Decision, outcomes: readonly ActionOutcome[]): readonly StatusEvent[] {
  return outcomes.flatMap(({ action, result }) => {
    if (action.type !== 'create-job' || result !== 'done') return [];
    const sized = verdict.outcome === 'start' ? verdict.sized : undefined;
    return [jobStartedEvent(jobName(context.observed.resource, action.attempt), action.attempt, sized)];
  });
}
