import { defined } from '../api/defined.ts';
import { type Why, why } from '../api/reasons.ts';
import type { Attempt, Outcome, VideoGenerationStatus } from '../api/status.ts';
import { millisecondsOf, timeText } from '../api/time.ts';
import { isOpen, type JobEnd, type JobView, type PodState, type PodView } from './observed.ts';
import { suspensionOf } from './suspension.ts';

const OUTCOME_OF: Readonly<Record<PodState, Outcome>> = {
  waiting: 'Waiting',
  running: 'Running',
  succeeded: 'Succeeded',
  failed: 'Failed',
  disrupted: 'Disrupted',
};

/** What attempts are judged by besides the Jobs. */
export interface Judging {
  /** Whether the Jobs are facts. */
  readonly live: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The spec says that the film waits: what is at work is taken away. */
  readonly suspending?: boolean;
  /** The runner at work has got on since the status was written. */
  readonly heard?: boolean;
  /** Why the operator has deleted the Job of a number, where no pod of it was seen then. */
  readonly deletedFor?: (number: number) => Why | undefined;
}

type Ending = Pick<Attempt, 'outcome' | 'endTime' | 'recordedTime' | 'reason' | 'message'>;
type Known = Pick<VideoGenerationStatus, 'attempts' | 'claim'>;

/**
 * Every attempt so far. One whose end is written down stays as it is: a pod that is deleted afterwards does not end another
 * way. Pods that exist are as they are; pods that are gone before their end was seen ended as their Job did, or else were
 * taken away; a Job that failed, or was deleted, without a pod is an attempt, too. Caches cannot tell that something is
 * gone: by them, what is not there stays as it was last seen.
 */
export function updatedAttempts(
  known: Known | undefined,
  jobs: readonly JobView[],
  judging: Judging,
): readonly Attempt[] {
  const before = known?.attempts ?? [];
  const ended = new Map(before.filter(isEnded).map((attempt) => [attempt.podUid, retimed(attempt, judging.now)]));
  const ours = jobs.filter(({ isUnknown }) => isUnknown !== true);
  const seen = ours.flatMap((job) =>
    job.pods.map((pod) => ended.get(pod.uid) ?? recorded(attemptOf(job, pod, before, judging), judging.now)),
  );
  const uids = new Set(seen.map((attempt) => attempt.podUid));
  const unseen = before.filter((attempt) => attempt.podUid === undefined || !uids.has(attempt.podUid));
  const past = judging.live ? unseen.map((attempt) => closed(attempt, jobs, judging.now)) : unseen;
  const withPods = [...past, ...seen];
  const without = judging.live ? podless(known, jobs, withPods, judging) : [];
  return [...withPods, ...without].toSorted((a, b) => a.number - b.number || inJob(a, b, before));
}

/** A Job makes a pod after the one before has ended, whichever of them was seen first: the last attempt is that of the pod at work. */
function inJob(a: Attempt, b: Attempt, before: readonly Attempt[]): number {
  const made = isEnded(a) ? 0 : (a.createdTime ?? '').localeCompare(b.createdTime ?? '');
  return Number(!isEnded(a)) - Number(!isEnded(b)) || made || place(a, before) - place(b, before);
}

/** Pods of one Job stay in the order in which they were seen first, whichever of them is gone by now. */
function place({ number, podUid }: Attempt, before: readonly Attempt[]): number {
  // Those without a pod are told apart by their Jobs.
  const found = before.findIndex((attempt) => attempt.number === number && attempt.podUid === podUid);
  return found < 0 ? before.length : found;
}

/** Whether how the attempt ended is known. */
export function isEnded({ outcome }: Attempt): boolean {
  return outcome !== 'Waiting' && outcome !== 'Running';
}

/**
 * Attempts that failed and that were taken away. They only grow: an end that is not written down yet counts on top of what was
 * counted, also where somebody took the list away and left the counters.
 */
export function countersOf(
  attempts: readonly Attempt[],
  before: (Known & Pick<VideoGenerationStatus, 'failures' | 'disruptions'>) | undefined,
): { readonly failures: number; readonly disruptions: number } {
  const fresh = freshEnds(attempts, before);
  const count = (wanted: Outcome, counted = 0) => {
    const isWanted = ({ outcome }: Attempt) => outcome === wanted;
    return Math.max(attempts.filter(isWanted).length, counted + fresh.filter(isWanted).length);
  };
  return { failures: count('Failed', before?.failures), disruptions: count('Disrupted', before?.disruptions) };
}

/** Ends that no counter holds yet: those of Jobs before the one that was claimed last were counted when they were written down. */
export function freshEnds(attempts: readonly Attempt[], before: Known | undefined): readonly Attempt[] {
  return newEnds(attempts, before?.attempts).filter(({ number }) => number >= (before?.claim?.attempt ?? 1));
}

/** Attempts whose end is not written down yet. */
export function newEnds(attempts: readonly Attempt[], before: readonly Attempt[] = []): readonly Attempt[] {
  const written = new Set(before.filter(isEnded).map(identityOf));
  return attempts.filter((attempt) => isEnded(attempt) && !written.has(identityOf(attempt)));
}

/** What an attempt is known by. */
export function identityOf({ number, podUid }: Attempt): string {
  return `${number}/${podUid}`;
}

/** Attempts that are written down, by what they are known by. */
export function byIdentity(status: Known | undefined): ReadonlyMap<string, Attempt> {
  return new Map((status?.attempts ?? []).map((attempt) => [identityOf(attempt), attempt]));
}

/** Why the operator has taken an attempt away, written down while its pod was still at work. */
function takenFor(
  known: Attempt | undefined,
  { isLeaving = true, isLost = false, heard = false, runs = false } = {},
): Why | undefined {
  if (known?.reason === undefined || isEnded(known)) return undefined;
  // A suspension that was taken back before it took anything away is forgotten, and so is a stall of a runner that got on.
  if (known.reason === 'Suspended' && (!isLeaving || isLost)) return undefined;
  if (known.reason === 'Stalled' && !isLeaving && heard) return undefined;
  // It has its GPUs and works after all.
  if (isForOtherGpus(known.reason) && !isLeaving && runs) return undefined;
  return { reason: known.reason, message: known.message ?? '' };
}

/** Whether an attempt is ended for one on fewer, or more, GPUs. */
export function isForOtherGpus(reason: string | undefined): boolean {
  return reason === 'GpusNotFree' || reason === 'AllGpusAgain';
}

/** How an attempt has ended that was ended for a reason. */
export function outcomeFor({ reason }: Why): Outcome {
  if (isForOtherGpus(reason)) return 'Resized';
  return reason === 'Suspended' ? 'Suspended' : 'Failed';
}

/** The attempts of a Job that is taken away for a reason, which their ends will have. One without a pod has ended. */
export function takenAway(
  attempts: readonly Attempt[],
  job: JobView,
  told: Why,
  {
    now,
    size,
    isGivenUp = false,
  }: {
    readonly now: number;
    readonly size: Pick<Attempt, 'gpus' | 'gpusReason'>;
    readonly isGivenUp?: boolean | undefined;
  },
): readonly Attempt[] {
  const own = attempts.filter(({ number }) => number === job.number);
  if (own.every(isEnded)) {
    // The one that the film is given up for was the last, and no other has begun.
    if (isGivenUp && own.length > 0) return attempts;
    if (own.some(({ podUid, reason }) => podUid === undefined && reason === told.reason)) return attempts;
    const time = timeText(now);
    const end = { endTime: time, recordedTime: time, outcome: outcomeFor(told) };
    return [...attempts, { ...attemptHead(job), ...size, ...end, ...told }];
  }
  return attempts.map((attempt) => (own.includes(attempt) && !isEnded(attempt) ? { ...attempt, ...told } : attempt));
}

/** Why an attempt ended, as one phrase. */
export function endingOf(attempt: Pick<Attempt, 'reason' | 'message'>): string {
  return [attempt.reason, attempt.message].filter((part) => part !== undefined).join(': ');
}

/**
 * A moment that a clock of the cluster tells, within what can be: not after now, not before the pod was made. Nodes' clocks
 * are not ours, and waits are counted from such moments.
 */
export function plausible(time: string, now: number, created?: string): string {
  const at = millisecondsOf(time);
  const early = created !== undefined && at < millisecondsOf(created);
  return at > now || early || Number.isNaN(at) ? timeText(now) : time;
}

function attemptHead({ number, name, generation }: JobView) {
  return { number, job: name, generation };
}

/** Why the pod is, or was, taken away by no fault of the cluster's; nothing of one that ended by itself. */
function takenAs(
  job: JobView,
  pod: PodView,
  known: Attempt | undefined,
  { suspending = false, heard = false, deletedFor }: Judging,
): Why | undefined {
  if (pod.state === 'succeeded' || pod.state === 'failed') return undefined;
  const isDeleted = job.gone === true || job.leaving !== undefined;
  const isLeaving = isDeleted || suspending || pod.leavingBy !== undefined;
  // Of one that has lost its Job, which ends nothing any more, only its own deletion tells that it leaves.
  const isLost = job.gone === true && pod.isOrphan === true && !suspending && pod.leavingBy === undefined;
  return (
    takenFor(known, { isLeaving, isLost, heard, runs: pod.state === 'running' }) ??
    suspensionOf(job, pod, known, { suspending }) ??
    (isDeleted && known === undefined ? deletedFor?.(job.number) : undefined)
  );
}

function attemptOf(job: JobView, pod: PodView, before: readonly Attempt[], judging: Judging): Attempt {
  const { now } = judging;
  const known = before.find(({ podUid }) => podUid === pod.uid);
  const over = pod.state !== 'waiting' && pod.state !== 'running';
  const head =
    job.gone === true && known !== undefined ? { ...attemptHead(job), generation: known.generation } : attemptHead(job);
  const taken = takenAs(job, pod, known, judging);
  return defined({
    ...head,
    pod: pod.name,
    podUid: pod.uid,
    node: pod.node,
    createdTime: over ? undefined : pod.created,
    startTime: startOf(pod, known, now),
    endTime: over ? endOf(pod, job, now) : undefined,
    outcome: over && taken !== undefined ? outcomeFor(taken) : OUTCOME_OF[pod.state],
    exitCode: pod.exitCode,
    ...(taken ?? (pod.state === 'succeeded' && pod.result?.film === undefined ? why('ResultLost') : pod.failure)),
  });
}

/**
 * When a runner started. A node's clock tells it, so it is held, when it is first seen, between what other clocks tell: not before its pod was
 * made, not after now. From then on it stays.
 */
function startOf({ startTime, created }: PodView, known: Attempt | undefined, now: number): string | undefined {
  return startTime === undefined ? undefined : plausible(known?.startTime ?? startTime, now, created);
}

/** An end that lies ahead was written down by an operator whose clock is ahead of this one's: the wait counts from now. */
function retimed(attempt: Attempt, now: number): Attempt {
  const ahead = attempt.recordedTime !== undefined && millisecondsOf(attempt.recordedTime) > now;
  return ahead ? { ...attempt, recordedTime: timeText(now) } : attempt;
}

function recorded(attempt: Attempt, now: number): Attempt {
  return isEnded(attempt) ? { ...attempt, recordedTime: timeText(now) } : attempt;
}

function endOf({ endTime, created }: PodView, { ended }: JobView, now: number): string {
  const told = endTime ?? ended?.time;
  return told === undefined ? timeText(now) : plausible(told, now, created);
}

/** An attempt whose pod is gone. */
function closed(known: Attempt, jobs: readonly JobView[], now: number): Attempt {
  if (isEnded(known)) return retimed(known, now);
  const { createdTime: _made, ...attempt } = known;
  const job = jobs.find((candidate) => candidate.name === attempt.job && candidate.gone !== true);
  const replaced = (job?.pods.length ?? 0) > 0;
  if (job?.ended !== undefined && !replaced) return { ...attempt, ...endedAs(job.ended, now) };
  const times = { endTime: timeText(now), recordedTime: timeText(now) };
  const taken = takenFor(attempt) ?? suspensionOf(job, undefined, known, { suspending: false });
  if (taken !== undefined) return { ...attempt, ...times, outcome: outcomeFor(taken), ...taken };
  const lost: Why = why('PodLost', { pod: attempt.pod ?? attempt.job });
  return { ...attempt, ...times, outcome: 'Disrupted', ...lost };
}

/** Attempts of Jobs that never had a pod that anybody saw. */
function podless(
  known: Known | undefined,
  jobs: readonly JobView[],
  others: readonly Attempt[],
  { now, suspending = false }: Judging,
): readonly Attempt[] {
  const has = (number: number) => others.some((attempt) => attempt.number === number);
  const ended = jobs.filter((job) => job.ended !== undefined && !has(job.number));
  const time = timeText(now);
  const failed = ended.map((job) => ({ ...attemptHead(job), ...endedAs(job.ended as JobEnd, now) }));
  // A Job that is taken away before it has a pod: nobody will see it again.
  const suspended = jobs
    .filter((job) => suspending && isOpen(job) && job.pods.length === 0 && !has(job.number))
    .map(
      (job): Attempt => ({ ...attemptHead(job), ...taken(time, why('Suspended', { detail: 'spec.suspend is true' })) }),
    );
  const { claim } = known ?? {};
  const isThere = jobs.some((job) => job.uid === claim?.jobUid && job.gone !== true);
  if (claim?.jobUid === undefined || isThere || has(claim.attempt)) return [...failed, ...suspended];
  const { attempt: number, generation, job } = claim;
  const ending = { endTime: time, recordedTime: time, outcome: 'Disrupted' as const, ...why('JobGone', { job }) };
  return [...failed, ...suspended, { number, job, generation, ...ending }];
}

function taken(time: string, told: Why): Ending {
  return { endTime: time, recordedTime: time, outcome: 'Suspended', ...told };
}

function endedAs(end: JobEnd, now: number): Ending {
  const endTime = end.time === undefined ? undefined : plausible(end.time, now);
  const common = defined({ endTime, recordedTime: timeText(now) });
  return end.complete
    ? { ...common, outcome: 'Succeeded', ...why('ResultLost') }
    : { ...common, outcome: 'Failed', reason: 'JobFailed', message: end.message };
}
