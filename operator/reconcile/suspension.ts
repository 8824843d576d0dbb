import type { ConditionsSaid } from '../api/conditions.ts';
import { type Why, why } from '../api/reasons.ts';
import type { Attempt } from '../api/status.ts';
import { millisecondsOf, timeText } from '../api/time.ts';
import { isAlive, type JobView, liveJob, type Observed, type PodView } from './observed.ts';
import type { Gate, Verdict } from './verdict.ts';

/*
 * A film waits because its spec says so, or because its Job is suspended: by a queue such as Kueue's, or by a person. The first takes the
 * Job away, the second leaves it alone: a later turn makes the next pod of the same Job. Neither is a failure or a disruption.
 */

/** Reason, and condition, of what waits because somebody says so. */
export const SUSPENDED = 'Suspended';
/** Between a pod and the new start of its Job that is written after it. */
const MOMENT_MS = 1000;

/** A film whose spec says so starts nothing, and a Job of it that is at work is taken away: its runner is told to stop. */
export const suspended: Gate = ({ observed }) => {
  if (!observed.suspend) return undefined;
  const job = liveJob(observed);
  const pod = job?.pods.find(isAlive);
  const stopping = pod === undefined ? '' : `; pod ${pod.name} is told to stop`;
  const detail = `spec.suspend is true: set it to false to go on${stopping}`;
  return { outcome: 'suspended', why: why(SUSPENDED, { detail }), ...(job === undefined ? {} : { job }) };
};

/** Why an attempt is no disruption: it is about to be, or was, taken away because the film or its Job is suspended. */
export function suspensionOf(
  job: JobView | undefined,
  pod: PodView | undefined,
  known: Attempt | undefined,
  film: { readonly suspending: boolean },
): Why | undefined {
  if (pod?.state === 'waiting' || pod?.state === 'running') {
    if (film.suspending) return why(SUSPENDED, { detail: 'spec.suspend is true' });
    // A Job that goes on before anybody has seen its pod leave tells nothing any more.
    return byItsJob(job) ?? (pod.leavingBy === undefined ? undefined : beforeItsTurn(job, pod.created, pod));
  }
  // A suspension deletes pods: one whose runner ended before that, by itself, shows no sign of it, also while other containers go on.
  if (pod !== undefined && pod.leavingBy === undefined) return undefined;
  return byItsJob(job) ?? beforeItsTurn(job, pod?.created ?? known?.createdTime ?? known?.startTime, pod);
}

function byItsJob(job: JobView | undefined): Why | undefined {
  if (job?.suspended === undefined) return undefined;
  return why(SUSPENDED, { detail: `Job ${job.name} was suspended` });
}

/**
 * A Job that goes on after a suspension starts anew: a pod from before was ended by that. Of a pod that is gone, what was written down when
 * it was first seen tells when it was made. The Job controller makes the pod first and writes its Job's new start a moment later, in
 * whole seconds both.
 */
function beforeItsTurn(job: JobView | undefined, made: string | undefined, pod: PodView | undefined): Why | undefined {
  if (job?.resuming !== true && job?.resumed === undefined) return undefined;
  // A pod that is gone, and of which no start was seen, was of before.
  const isOfAfter = made !== undefined && !(millisecondsOf(made) + MOMENT_MS < millisecondsOf(job.resumed ?? ''));
  // Where the cluster says who took it away, no two clocks are compared.
  if ((isOfAfter || pod?.takenBy !== undefined) && job.resuming !== true) return undefined;
  return why(SUSPENDED, { detail: `Job ${job.name} was suspended` });
}

/** Condition `Suspended`: a person has decided that the film waits. A turn in a queue is none of it. */
export function suspendedCondition({ suspend, status }: Observed, verdict: Verdict): ConditionsSaid {
  const isHeld = verdict.outcome === 'held' && verdict.job === undefined && suspend;
  const held = isHeld ? why(SUSPENDED, { detail: verdict.why.message }) : undefined;
  const found = held ?? suspensionIn(verdict);
  if (found !== undefined) return { Suspended: { status: 'True', ...found } };
  const before = status?.conditions?.some(({ type }) => type === SUSPENDED) ?? false;
  return before ? { Suspended: { status: 'False', ...why('NotSuspended') } } : {};
}

/**
 * When a person last let the film's Job go on, as far as it was written down: a Job that was parked without the Job controller's help keeps its old
 * start. Now, where nobody has written it down yet.
 */
export function letGoAt({ status }: Observed, now: number): string | undefined {
  const found = status?.conditions?.find(({ type }) => type === SUSPENDED);
  return found?.status === 'True' ? timeText(now) : found?.lastTransitionTime;
}

function suspensionIn(verdict: Verdict): Why | undefined {
  if (verdict.outcome === 'suspended') return verdict.why;
  if (verdict.outcome !== 'live') return undefined;
  const { suspended: by, queue, pods } = verdict.job;
  return by === undefined || queue !== undefined || pods.some(isAlive) ? undefined : by;
}
