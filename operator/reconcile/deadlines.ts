import { secondsOf } from '#contract/duration.ts';
import type { VideoGenerationSpec } from '#contract/resource-spec.ts';
import { type Why, why } from '../api/reasons.ts';
import type { Attempt, ProgressStatus } from '../api/status.ts';
import { durationText, millisecondsOf, timeText } from '../api/time.ts';
import { activeSecondsOf } from './active-time.ts';
import { isEnded, isForOtherGpus } from './attempts.ts';
import { fewerGpus, gpusOf, isToGrow, whyNoGpus } from './elastic.ts';
import {
  hasFilm,
  isAlive,
  type JobView,
  liveJob,
  lostPod,
  newestPod,
  type Observed,
  type PodView,
  podOf,
  writtenProgress,
} from './observed.ts';
import { letGoAt } from './suspension.ts';
import type { Context, Gate, Verdict } from './verdict.ts';

/*
 * How long things may take (`spec.deadlines`). A deadline that has passed ends the attempt: its Job is deleted, and when its pod has
 * ended, the attempt has failed for that reason. Moments that are waited by are of the control plane's clocks or our own, never of a node's.
 */

/** GPUs that are held without a runner are given back after this time, whatever the spec says. */
const HELD_SECONDS = 3600;

/** A Job's first pod is made within moments. */
const LATE_MS = 10_000;

/** A runner that nobody has heard of for so long is told of. It reports every few seconds. */
export const STALE_MS = 120_000;

/** What ends an attempt at a time (milliseconds). */
interface Deadline {
  readonly at: number;
  readonly why: () => Why;
}

/** Whether an attempt that ended for this reason is the last one: the film was to be started, or to be made, by then. */
export function isFinalDeadline(reason: string | undefined): boolean {
  return reason === 'StartDeadlineExceeded' || reason === 'ActiveDeadlineExceeded';
}

/** The time at work is used up: no other attempt starts. */
export function spent(context: Context): (Verdict & { readonly outcome: 'failed' }) | undefined {
  const limit = context.observed.spec?.deadlines.active;
  if (limit === undefined || activeSecondsOf(context) < secondsOf(limit)) return undefined;
  return { outcome: 'failed', why: why('ActiveDeadlineExceeded', { limit }) };
}

/** Whether an attempt is to end, as the last one or for others to follow. */
export function isEnding(attempt: Attempt): boolean {
  const { reason } = attempt;
  return !isEnded(attempt) && (isFinalDeadline(reason) || reason === 'Stalled' || isForOtherGpus(reason));
}

/**
 * An attempt that was ended for other GPUs before it had a pod stands as ended at once; its Job still has to go. What was decided stays so until
 * that is gone, or has made a pod after all whose runner works.
 */
function resizedBefore(own: readonly Attempt[]): Attempt | undefined {
  const at = own.findLastIndex(({ podUid, reason }) => podUid === undefined && isForOtherGpus(reason));
  return own.slice(at + 1).every(({ outcome }) => outcome === 'Waiting') ? own[at] : undefined;
}

/** An attempt whose time is over ends. */
export const overdue: Gate = (context) => {
  const job = liveJob(context.observed);
  if (job === undefined) return spent(context);
  // A film that is ready wins, also over what was decided before: its pod is about to end.
  const pod = podOf(job);
  if (pod !== undefined && hasFilm(pod)) return undefined;
  // What was decided stays so until its Job is gone.
  const own = context.attempts.filter(({ number }) => number === job.number);
  const decided = own.find(isEnding) ?? resizedBefore(own);
  if (decided !== undefined && job.leaving === undefined)
    return { outcome: 'ending', job, why: { reason: decided.reason ?? '', message: decided.message ?? '' } };
  return passedBy(job, context);
};

/** An attempt of a Job for which a deadline has passed ends for the first that did. */
export function passedBy(job: JobView, context: Context): Verdict | undefined {
  const passed = deadlinesOf(job, context).filter(({ at }) => at <= seenAt(context));
  const first = passed.toSorted((a, b) => a.at - b.at)[0];
  return first === undefined ? undefined : { outcome: 'ending', job, why: first.why() };
}

/** Of a read that took long nobody knows what has happened since: a runner may have started, or have ended in time. */
function seenAt({ observed, now }: Context): number {
  return Math.min(now, observed.readAt ?? now);
}

/** When the next deadline passes, a pod is to be deleted by force or a silence becomes news; undefined where nothing of it is set. */
export function nextDeadline(context: Context): number | undefined {
  const { observed, now } = context;
  const job = liveJob(observed);
  const pod = job === undefined ? undefined : podOf(job);
  const silent = pod?.state === 'running' ? [now - silenceOf(context) + STALE_MS] : [];
  const isDone = pod !== undefined && hasFilm(pod);
  const deadlines = job === undefined || isDone ? [] : deadlinesOf(job, context).map(({ at }) => at);
  const all = [...deadlines.filter((at) => at > seenAt(context)), ...silent.filter((at) => at > now)];
  return earliest([...all, nextForce(context)]);
}

/** When a pod is to be deleted by force next, whatever became of its film. */
export function nextForce({ observed, now }: Context): number | undefined {
  const pods = [...observed.jobs, ...observed.outdated].flatMap((job) => job.pods);
  return earliest(pods.map((pod) => forceAt(pod, observed)).filter((at) => at !== undefined && at > now));
}

/** The first of the moments that are known. */
export function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((at) => at !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** For how long nothing was heard of a runner, since it was first seen to run, in milliseconds. */
export function silenceOf(context: Context): number {
  return Math.min(context.observed.silentMs, runningMs(context));
}

/**
 * For how long the runner has been seen to run, by our own clock. Where one pod followed another unseen, the film has run without a break:
 * the new one was first seen when the end of the one before it was written down, and was made after that.
 */
function runningMs({ observed, attempts, now }: Context): number {
  const newest = newestPod(observed);
  // A film whose pod has lost its Job is not told to run, only its attempt is: then that is what the film was last told, and its runner has begun
  // since it was given a node.
  const isUntold = newest?.state === 'running' && isLost(newest, observed);
  if (isUntold && !isToldToRun(newest, observed)) return 0;
  const seen = observed.status?.conditions?.find(
    ({ type, status: holds }) => type === 'Progressing' && (holds === 'True' || isUntold),
  );
  if (seen === undefined) return 0;
  const since = latest([
    seen.lastTransitionTime,
    newest?.created,
    isUntold ? newest.scheduledTime : undefined,
    attempts.find(({ podUid }) => podUid === newest?.uid)?.startTime,
    ...attempts.map(({ recordedTime }) => recordedTime),
  ]);
  return Math.max(0, now - (since ?? now));
}

/** Whether it is written down that the runner of a pod works. */
function isToldToRun({ uid }: PodView, { status }: Observed): boolean {
  return status?.attempts?.some(({ podUid, outcome }) => podUid === uid && outcome === 'Running') ?? false;
}

function deadlinesOf(job: JobView, context: Context): readonly Deadline[] {
  const { spec } = context.observed;
  if (spec === undefined || job.leaving !== undefined) return [];
  const pod = podOf(job);
  if (pod?.state === 'running') return [...stallOf(pod, context), ...activeOf(context)];
  // A runner that has started and ended is not late, however long its Job takes to say so.
  const over = pod?.state === 'failed' || pod?.state === 'succeeded';
  if (job.suspended !== undefined || over) return [];
  return [...growthOf(job, spec, context), ...elasticOf(job, pod, context), ...startOf(job, pod, context)];
}

/** A Job that makes its next pod with fewer GPUs than the spec wants goes at once. */
function growthOf(job: JobView, spec: VideoGenerationSpec, context: Context): readonly Deadline[] {
  const values = { gpus: gpusOf(job, spec), wanted: spec.parallelism.gpus };
  return isToGrow(job, context) ? [{ at: 0, why: () => why('AllGpusAgain', values) }] : [];
}

/**
 * So many GPUs have to be found on one node, and within the namespace's quota, where fewer will do: so long after the pod, or else its Job, was made. After a disruption of the same Job's
 * pod that had unhealthy devices, which nobody is given any more, at once.
 */
function elasticOf(job: JobView, pod: PodView | undefined, { observed, attempts }: Context): readonly Deadline[] {
  const { spec } = observed;
  const before = attempts.findLast((attempt) => attempt.job === job.name && attempt.podUid !== pod?.uid);
  const hurt = before?.outcome === 'Disrupted' && before.unhealthyDevices !== undefined;
  const limit = hurt ? '0s' : spec?.deadlines.elastic;
  const detail = spec === undefined ? undefined : whyNoGpus(job, pod, spec);
  if (spec === undefined || limit === undefined || detail === undefined) return [];
  const gpus = gpusOf(job, spec);
  const fewer = fewerGpus(spec, gpus);
  // A pod that has ended says nothing of how long the next one is waited for.
  const ends = attempts.filter((attempt) => attempt.job === job.name).map(({ recordedTime }) => recordedTime);
  const since = latest([job.begun, ...(pod?.state === 'waiting' ? [pod.created] : ends)]);
  if (fewer === undefined || since === undefined) return [];
  const span = hurt ? 'after devices were unhealthy' : `within ${limit}`;
  const values = { gpus, span, fewer, detail };
  return [{ at: since + 1000 * secondsOf(limit), why: () => why('GpusNotFree', values) }];
}

/**
 * The runner has to have started: so long after its Job may run, or after its pod was given GPUs. The Job controller's and the scheduler's
 * clocks may be behind: neither was before the API server made the Job and the pod.
 */
function startOf(job: JobView, pod: PodView | undefined, { observed, attempts, now }: Context): readonly Deadline[] {
  const limit = observed.spec?.deadlines.start;
  const waiting = pod?.state === 'waiting' ? pod : undefined;
  const cause = () => {
    const told =
      waiting?.waiting ?? (job.refusal === undefined ? undefined : why('PodRefused', { detail: job.refusal }));
    return told === undefined ? 'no pod was made' : `${told.reason}: ${told.message}`;
  };
  const late = (text: string) => () => why('StartDeadlineExceeded', { limit: text, why: cause() });
  if (limit !== undefined) {
    const ends = attempts.filter(({ job: name }) => name === job.name).map(({ recordedTime }) => recordedTime);
    // Of a Job that is gone only its pod tells.
    const begun = job.gone === true ? waiting?.created : job.begun;
    const since =
      begun === undefined
        ? undefined
        : latest([begun, job.created, madeLater(waiting, job), letGoAt(observed, now), ...ends]);
    return since === undefined ? [] : [{ at: since + 1000 * secondsOf(limit), why: late(limit) }];
  }
  const held = waiting?.scheduled === true ? latest([waiting.scheduledTime, waiting.created]) : undefined;
  return held === undefined ? [] : [{ at: held + 1000 * HELD_SECONDS, why: late(durationText(HELD_SECONDS)) }];
}

/** When a pod was made, where that is so long after its Job began that the Job controller's clock, or its work, was behind. */
function madeLater(pod: PodView | undefined, { begun }: JobView): string | undefined {
  const after = millisecondsOf(pod?.created ?? '') - millisecondsOf(begun ?? '');
  return after > LATE_MS ? pod?.created : undefined;
}

/** The runner has to get on, as far as the operator hears. */
function stallOf(pod: PodView, context: Context): readonly Deadline[] {
  const { observed, now } = context;
  const limit = observed.spec?.deadlines.stall;
  if (limit === undefined) return [];
  const progress = writtenProgress(pod.uid, observed.status);
  // By our own clock; nobody hears it while no operator listens.
  const advance = progress?.lastAdvanceTime;
  const runs = Math.max(now - runningMs(context), advance === undefined ? 0 : millisecondsOf(advance));
  // What it has reported meanwhile may not be written down yet: it counts from when it was heard, as it will when that is.
  const heard = isHeard(observed) ? millisecondsOf(timeText(now - observed.silentMs)) : 0;
  const listened = isLost(pod, observed) ? observed.silentMs : observed.listeningMs;
  const since = Math.max(runs, now - listened, heard);
  const where = progress === undefined ? 'it has not been heard of' : `it stood at ${progress.percent} %`;
  return [{ at: since + 1000 * secondsOf(limit), why: () => why('Stalled', { limit, pod: pod.name, detail: where }) }];
}

/** Whether the runner at work has told that it got on, and nobody has written it down yet. One that has lost its Job tells nothing any more. */
export function isHeard({ report, status, jobs }: Pick<Observed, 'report' | 'status' | 'jobs'>): boolean {
  const newest = newestPod({ jobs });
  return report !== undefined && !isLost(newest, { jobs }) && isAdvance(report, writtenProgress(newest?.uid, status));
}

/** Whether a pod has lost its Job: what it told before was the last that is heard of it. */
function isLost(pod: PodView | undefined, { jobs }: Pick<Observed, 'jobs'>): boolean {
  return pod !== undefined && jobs.some((job) => lostPod(job)?.uid === pod.uid);
}

/** Whether one record of progress is further than another. */
function isAdvance(next: Advance, before: Advance | undefined): boolean {
  const of = ({ phase, percent, blockSteps, blocksFinished, framesReady }: Advance) =>
    [phase, Math.floor(percent), blockSteps, blocksFinished, framesReady].join();
  return before === undefined || of(next) !== of(before);
}

type Advance = Pick<ProgressStatus, 'phase' | 'percent' | 'blockSteps' | 'blocksFinished' | 'framesReady'>;

/** All attempts together may take so long. */
function activeOf(context: Context): readonly Deadline[] {
  const { observed, now } = context;
  const limit = observed.spec?.deadlines.active;
  if (limit === undefined) return [];
  const left = secondsOf(limit) - activeSecondsOf(context) - runningMs(context) / 1000;
  return [{ at: now + 1000 * left, why: () => why('ActiveDeadlineExceeded', { limit }) }];
}

/**
 * When a pod that should be gone is deleted by force. `deletionTimestamp` is the moment until which it had time to end by itself; one that
 * is still there long after it stands on a node that nobody hears of.
 */
function forceAt(pod: PodView, { spec }: Observed): number | undefined {
  const limit = spec?.deadlines.lostNode;
  if (limit === undefined || pod.leavingBy === undefined || !isAlive(pod)) return undefined;
  return millisecondsOf(pod.leavingBy) + 1000 * secondsOf(limit);
}

/** It is to be deleted by force, and what its runner left is there to be read, though no kubelet says any more that it has ended. */
export function isLeftWithFilm(pod: PodView, context: Context): boolean {
  return isToBeForced(pod, context) && pod.result?.outcome === 'succeeded' && hasFilm(pod);
}

/** Whether a pod that should be gone is to be deleted by force now. */
export function isToBeForced(pod: PodView, { observed, now }: Context): boolean {
  return (forceAt(pod, observed) ?? Number.POSITIVE_INFINITY) <= now;
}

function latest(times: readonly (string | undefined)[]): number | undefined {
  const known = times
    .map((time) => (time === undefined ? Number.NaN : millisecondsOf(time)))
    .filter((at) => !Number.isNaN(at));
  return known.length === 0 ? undefined : Math.max(...known);
}
