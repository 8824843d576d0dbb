import type { Attempt } from '../api/status.ts';
import { isEnded, newEnds } from './attempts.ts';
import { isEnding, passedBy } from './deadlines.ts';
import { exhausted, failure, givenUpAfter, isFinal, isGivenUp } from './giving-up.ts';
import { hasFilm, type JobView, lostPod } from './observed.ts';
import type { Context, Verdict } from './verdict.ts';

/**
 * A pod that has lost its Job ends as its Job would have ended it: for what was decided about its attempt before, for every deadline that
 * passes, and when its film is given up. Until then it may make the film, and holds its GPUs. A film that waits takes it away by itself.
 */
export function lostEnding(job: JobView, context: Context): Verdict | undefined {
  const pod = lostPod(job);
  if (pod === undefined || context.observed.suspend) return undefined;
  if (pod.leavingBy !== undefined || pod.lingering !== undefined || hasFilm(pod)) return undefined;
  const own = context.attempts.find((attempt) => attempt.number === job.number && attempt.podUid === pod.uid);
  if (own !== undefined && (isEnding(own) || isLast(own))) {
    const told = { reason: own.reason ?? '', message: own.message ?? '' };
    return { outcome: 'ending', job, why: told, ...(isLast(own) ? { isGivenUp: true as const } : {}) };
  }
  return passedBy(job, context) ?? givenUp(job, context);
}

/** Whether the film is given up with an attempt that has not ended yet, for the end of one before it. */
function isLast(attempt: Attempt): boolean {
  return !isEnded(attempt) && isGivenUp(attempt.reason);
}

/** As of a pod whose Job is there, the budget is judged when an attempt ends: one at work goes on whatever becomes of it meanwhile. */
function givenUp(job: JobView, context: Context): Verdict | undefined {
  const { observed, attempts } = context;
  const final = failure(context);
  if (final?.outcome === 'failed') {
    const attempt = attempts.findLast(isFinal)?.number ?? job.number;
    return { outcome: 'ending', job, why: givenUpAfter(attempt, final.why), isGivenUp: true };
  }
  const isJudged = newEnds(attempts, observed.status?.attempts).length > 0;
  const spent = isJudged ? exhausted(context) : undefined;
  return spent?.outcome === 'failed' ? { outcome: 'ending', job, why: spent.why, isGivenUp: true } : undefined;
}
