import { type Why, why } from '../api/reasons.ts';
import type { Attempt, VideoGenerationStatus } from '../api/status.ts';
import { endingOf, isEnded, isForOtherGpus, newEnds, outcomeFor } from './attempts.ts';
import { isFinalDeadline, spent } from './deadlines.ts';
import { endsByItself, hasFilm, isAlive, type JobView, liveJob } from './observed.ts';
import { isFinalEnd, TOO_FEW_DEVICES } from './pod-facts.ts';
import { isUsedUp, overspent } from './retries.ts';
import type { Context, Gate, Verdict } from './verdict.ts';

/*
 * When a film is given up. As long as a Job of it may make a pod, or has one at work, the film may still be made: so the Job goes first, and
 * what the film is given up for stands in the attempt that is at work, as where a deadline has passed.
 */

/** Reason of what is at work while the film is given up for an attempt before. */
const GIVEN_UP = 'GivenUp';

/** Whether what is at work is ended for that: the film is given up. */
export function isGivenUp(reason?: string): boolean {
  return reason === GIVEN_UP || isUsedUp(reason);
}

/** What is said of an attempt at work while the film is given up for the end of one. */
export function givenUpAfter(attempt: number, end: Pick<Attempt, 'reason' | 'message'>): Why {
  return why(GIVEN_UP, { attempt, why: endingOf(end) });
}

/** A failure that another try cannot mend is the end: wrong spec, no such model, full disk. */
export const failure: Gate = (context) => {
  const end = finalEnd(context);
  return end === undefined ? undefined : givenUp(context, end.told, end.meanwhile);
};

/** An end that no other try mends: what the film fails for, and what is said of whatever is at work until it does. */
function finalEnd(context: Context): { readonly told: Why; readonly meanwhile: Why } | undefined {
  const own = context.attempts.filter(({ outcome }) => outcome === 'Failed');
  const job = finalJob(context);
  const last = own.findLast((attempt) => attempt.job === job?.name) ?? own.findLast(isFinal);
  if (job === undefined && last === undefined) return undefined;
  const jobSays = why('JobFailed', { job: job?.name ?? '', detail: job?.ended?.message ?? '' });
  const told = { reason: last?.reason ?? jobSays.reason, message: last?.message ?? jobSays.message };
  return { told, meanwhile: givenUpAfter(last?.number ?? job?.number ?? 0, told) };
}

/**
 * The newest Job, where it says itself that no other try mends its end. It knows exit codes alone, so its attempts have the last word; and
 * one that was followed by another has none any more: that began because this end was known, and was to be repeated, though the list
 * of attempts may have lost sight of why.
 */
function finalJob({ observed: { jobs, status }, attempts }: Context): JobView | undefined {
  const known = jobs.filter(({ isUnknown }) => isUnknown !== true);
  const newest = Math.max(status?.claim?.attempt ?? 0, ...known.map(({ number }) => number));
  const isTooFew = ({ name }: JobView) =>
    attempts.findLast(({ job, outcome }) => job === name && outcome === 'Failed')?.reason === TOO_FEW_DEVICES;
  return known.find((job) => job.number === newest && job.ended?.final === true && !isTooFew(job));
}

/** Why no other attempt may follow those that have ended, if that is so. */
export function lastWord(context: Context): Why | undefined {
  return finalEnd(context)?.told ?? overspent(context) ?? spent(context)?.why;
}

/** Whether no attempt is to follow this one, by how it ended or what it was ended for. */
export function isFinal(attempt: Attempt): boolean {
  const { outcome, reason } = attempt;
  return isFinalEnd(attempt) || (outcome === 'Failed' && (isFinalDeadline(reason) || isUsedUp(reason)));
}

/**
 * Too many failures since the film last got further, or too many disruptions, which are counted apart. Judged when an attempt ends,
 * and before the next one starts: an attempt at work goes on, whatever becomes of the budget meanwhile.
 */
export const exhausted: Gate = (context) => {
  if (context.observed.spec === undefined) return undefined;
  const job = liveJob(context.observed);
  const isJudged = job === undefined || isBetweenPods(job, context) || hasNewEnd(context);
  const found = decided(job, context) ?? (isJudged ? overspent(context) : undefined);
  return found === undefined ? undefined : givenUp(context, found, found);
};

/** Whether the pods that a Job has made have ended, and it makes another one. */
function isBetweenPods({ name, pods }: JobView, { attempts }: Context): boolean {
  const own = attempts.filter(({ job }) => job === name);
  return own.length > 0 && own.every(isEnded) && !pods.some(isAlive);
}

/** What was decided before stays so until its Job is gone, whatever the spec says by now; a deadline's Job may have to wait for that. */
function decided(job: JobView | undefined, { attempts }: Context): Why | undefined {
  const isLast = (reason?: string) => isUsedUp(reason) || (job?.leaving !== undefined && isFinalDeadline(reason));
  const own = attempts.filter((attempt) => attempt.job === job?.name && !isEnded(attempt));
  const { reason = '', message = '' } = own.find((attempt) => isLast(attempt.reason)) ?? {};
  return reason === '' ? undefined : { reason, message };
}

/** Whether the end of an attempt is about to be written down for the first time. */
function hasNewEnd({ observed, attempts }: Context): boolean {
  return newEnds(attempts, observed.status?.attempts).length > 0;
}

/** The film is given up for one reason, after what is at work has ended for another. */
function givenUp(context: Context, told: Why, meanwhile: Why): Verdict | undefined {
  const job = liveJob(context.observed);
  const pod = job?.pods.findLast(isAlive);
  // A film that is ready wins, and a Job that somebody else deletes takes its pod with it.
  const isOthers = job?.leaving !== undefined && !isDeletedByUs(job, context);
  if (isOthers || (pod !== undefined && hasFilm(pod))) return undefined;
  return job === undefined || endsByItself(job)
    ? { outcome: 'failed', why: told }
    : { outcome: 'ending', job, why: meanwhile, isGivenUp: true };
}

/** Whether a Job goes because the film is given up: an attempt of it at work says so, or what was told when none was. */
function isDeletedByUs(job: JobView, { observed, attempts }: Context): boolean {
  const own = attempts.filter((attempt) => attempt.job === job.name && !isEnded(attempt));
  return givenUpFor(observed.status, job.number) !== undefined || own.some((attempt) => isFinal(foreseen(attempt)));
}

/**
 * What the film is given up for once a pod that has lost its Job has ended, as it is to end; undefined where another attempt follows. No film
 * waits for an attempt that never comes.
 */
export function endAfterPods(context: Context): Why | undefined {
  const { attempts, observed } = context;
  if (observed.jobs.some(({ pods }) => pods.some((pod) => isAlive(pod) && hasFilm(pod)))) return undefined;
  const after = { ...context, attempts: attempts.map(foreseen) };
  const last = attempts.findLast((attempt) => !isEnded(attempt) && isFinal(foreseen(attempt)));
  if (last?.reason !== undefined) return { reason: last.reason, message: last.message ?? '' };
  return finalEnd(after)?.meanwhile ?? overspent(after) ?? spent(after)?.why;
}

/** An attempt that is to end for a reason, as it will have ended. */
function foreseen(attempt: Attempt): Attempt {
  const { reason, message = '' } = attempt;
  return isEnded(attempt) || reason === undefined ? attempt : { ...attempt, outcome: outcomeFor({ reason, message }) };
}

/**
 * Why the operator has deleted the newest Job while no pod of it was there, as the status tells: a pod that comes to light afterwards
 * is ended by that, and the cluster took nothing away.
 */
export function deletedFor(status: VideoGenerationStatus | undefined, number: number): Why | undefined {
  const { reason, message = '' } = podlessEnd(status, number) ?? {};
  return givenUpFor(status, number) ?? (isForOtherGpus(reason) ? { reason: reason ?? '', message } : undefined);
}

function givenUpFor(status: VideoGenerationStatus | undefined, number: number): Why | undefined {
  if (status?.claim?.attempt !== number) return undefined;
  const { reason = '', message = '' } = status;
  if (isGivenUp(reason)) return { reason, message };
  const end = podlessEnd(status, number);
  return end !== undefined && isFinal(end) ? givenUpAfter(number, end) : undefined;
}

/** How a Job ended that was deleted before anybody saw a pod of it. */
function podlessEnd(status: VideoGenerationStatus | undefined, number: number): Attempt | undefined {
  return status?.attempts?.findLast((attempt) => attempt.number === number && attempt.podUid === undefined);
}
