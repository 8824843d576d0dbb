import { defined } from '../../api/defined.ts';
import { conditionIs } from '../../api/kubernetes.ts';
import { type Why, why } from '../../api/reasons.ts';
import type { Attempt, Sized, VideoGenerationStatus } from '../../api/status.ts';
import { endingOf, isEnded } from '../attempts.ts';

/** Something that `kubectl describe` and the log shall show. */
export interface StatusEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly action: string;
  readonly note: string;
  /** Number of the Job that it is about. */
  readonly attempt?: number;
}

/** Reasons that everybody expects for a moment: no news. */
const QUIET = new Set(['WaitingForPod', 'WaitingForScheduler', 'ContainerCreating', 'PodInitializing']);

/** What has happened between two statuses. */
export function statusEvents(
  before: VideoGenerationStatus | undefined,
  after: VideoGenerationStatus,
): readonly StatusEvent[] {
  const ended = (after.attempts ?? []).filter((attempt) => isNewlyEnded(attempt, before?.attempts ?? []));
  const newest = defined({ attempt: after.attempts?.at(-1)?.number });
  const told = [...phaseEvents(before, after), ...waitingEvents(before, after)];
  return [
    ...ended.map(attemptEndedEvent),
    ...resumedEvents(before, after),
    ...told.map((event) => ({ ...event, ...newest })),
  ];
}

/** The event of a Job that was started. */
export function jobStartedEvent(job: string, attempt: number, sized?: Sized): StatusEvent {
  const told = sized === undefined ? why('JobStarted', { job }) : why('SmallerJobStarted', { job, why: sized.why });
  return { ...normal(told), attempt };
}

function attemptEndedEvent(attempt: Attempt): StatusEvent {
  const { checkpointIteration: reached } = attempt;
  const left = reached === undefined ? '' : `; it has left a checkpoint after iteration ${reached}`;
  const values = { attempt: attempt.number, why: `${endingOf(attempt)}${left}` };
  const of = { attempt: attempt.number };
  if (attempt.outcome === 'Suspended') return { ...normal(why('AttemptSuspended', values)), ...of };
  if (attempt.outcome === 'Resized') return { ...normal(why('AttemptResized', values)), ...of };
  const { reason, message } = why(attempt.outcome === 'Failed' ? 'AttemptFailed' : 'AttemptDisrupted', values);
  return { ...warning(reason, message), ...of };
}

/** Attempts that have told where they go on, or that it is elsewhere than they believed; of the first one that it begins anew is no news. */
function resumedEvents(
  before: VideoGenerationStatus | undefined,
  after: VideoGenerationStatus,
): readonly StatusEvent[] {
  const all = after.attempts ?? [];
  return all.flatMap((attempt) => {
    const { number, resumedFromIteration: iteration } = attempt;
    const known = before?.attempts?.find((old) => old.number === number && old.podUid === attempt.podUid);
    if (iteration === undefined || known?.resumedFromIteration === iteration) return [];
    if (iteration > 0) return [{ ...normal(why('AttemptGoesOn', { attempt: number, iteration })), attempt: number }];
    return attempt === all[0] && known?.resumedFromIteration === undefined
      ? []
      : [{ ...normal(why('AttemptBeginsAnew', { attempt: number })), attempt: number }];
  });
}

/** Conditions whose beginning is news, and what else must hold. */
function phaseEvents(before: VideoGenerationStatus | undefined, after: VideoGenerationStatus): readonly StatusEvent[] {
  const begun = (type: string) => {
    const now = after.conditions.find((c) => c.type === type && c.status === 'True');
    return conditionIs(before?.conditions, type, 'True') ? undefined : now;
  };
  const normals = ['Scheduled', 'Progressing', 'Complete'].flatMap((type) => {
    const found = begun(type);
    return found === undefined ? [] : [normal({ reason: found.reason, message: found.message })];
  });
  const warnings = ['CheckpointFailing', 'DevicesUnhealthy', 'Failed'].flatMap((type) => {
    const found = begun(type);
    return found === undefined ? [] : [warning(found.reason, found.message)];
  });
  return [...normals, ...warnings];
}

/** A new reason to wait, unless it only repeats how the last attempt ended. */
function waitingEvents(
  before: VideoGenerationStatus | undefined,
  after: VideoGenerationStatus,
): readonly StatusEvent[] {
  const { reason, message, phase, attempts } = after;
  const same = before?.reason === reason && before?.message === message;
  if (reason === undefined || same || phase === 'Failed' || QUIET.has(reason)) return [];
  return attempts?.at(-1)?.reason === reason ? [] : [warning(reason, message ?? '')];
}

function isNewlyEnded(attempt: Attempt, before: readonly Attempt[]): boolean {
  if (!isEnded(attempt) || attempt.outcome === 'Succeeded') return false;
  const known = before.find((old) => old.number === attempt.number && old.podUid === attempt.podUid);
  return known?.outcome !== attempt.outcome;
}

function normal({ reason, message }: Why): StatusEvent {
  return { type: 'Normal', reason, action: 'Reconcile', note: message };
}

function warning(reason: string, note: string): StatusEvent {
  return { type: 'Warning', reason, action: 'Reconcile', note };
}
