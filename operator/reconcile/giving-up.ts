import { type Why, why } from '../api/reasons.ts';
import type { Attempt } from '../api/status.ts';
import { endingOf, isEnded, newEnds } from './attempts.ts';
import { isFinalDeadline } from './deadlines.ts';
import { endsByItself, hasFilm, isAlive, type JobView, liveJob } from './observed.ts';
import { isFinalEnd, TOO_FEW_DEVICES } from './pod-facts.ts';
import { isUsedUp, overspent } from './retries.ts';
import type { Context, Gate, Verdict } from './verdict.ts';

/*
 * When a film is given up. As long as a Job of it may make a pod, or has one at work, the film may still be made: so the Job goes first, and
 * what the film is given up for stands in the attempt that is at work, as where a deadline has passed.
 */

/** A failure that another try cannot mend is the end: wrong spec, no such model, full disk. */
export const failure: Gate = (context) => {
  const { observed, attempts } = context;
  const own = attempts.filter(({ outcome }) => outcome === 'Failed');
  const lastOf = (job: JobView | undefined) => own.findLast((attempt) => attempt.job === job?.name);
  // A Job knows exit codes alone.
  const job = observed.jobs.find((found) => found.ended?.final === true && lastOf(found)?.reason !== TOO_FEW_DEVICES);
  const last = lastOf(job) ?? own.findLast(isFinal);
  if (job === undefined && last === undefined) return undefined;
  const told = why('JobFailed', { job: job?.name ?? '', detail: job?.ended?.message ?? '' });
  const found = { reason: last?.reason ?? told.reason, message: last?.message ?? told.message };
  const values = { attempt: last?.number ?? job?.number ?? 0, why: endingOf(found) };
  return givenUp(context, found, why('GivenUp', values));
};

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

/** What was decided before stays so until its Job is gone, whatever the spec says by now. */
function decided(job: JobView | undefined, { attempts }: Context): Why | undefined {
  const own = attempts.filter((attempt) => attempt.job === job?.name && !isEnded(attempt));
  const { reason = '', message = '' } = own.find((attempt) => isUsedUp(attempt.reason)) ?? {};
  return reason === '' ? undefined : { reason, message };
}

/** Whether the end of an attempt is about to be written down for the first time. */
function hasNewEnd({ observed, attempts }: Context): boolean {
  return newEnds(attempts, observed.status?.attempts).length > 0;
}

/** The film is given up for one reason, after what is at work has ended for another. */
function givenUp({ observed }: Context, told: Why, meanwhile: Why): Verdict | undefined {
  const job = liveJob(observed);
  const pod = job?.pods.findLast(isAlive);
  // A film that is ready wins, and a Job that goes already takes its pod with it.
  if (job?.leaving !== undefined || (pod !== undefined && hasFilm(pod))) return undefined;
  return job === undefined || endsByItself(job)
    ? { outcome: 'failed', why: told }
    : { outcome: 'ending', job, why: meanwhile, isGivenUp: true };
}
