import { defined } from '../api/defined.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { actionsOf } from './actions.ts';
import { byIdentity, identityOf, isEnded, isForOtherGpus, newEnds, takenAway, updatedAttempts } from './attempts.ts';
import { nextClearing } from './clearing.ts';
import { earliest, isHeard, nextDeadline, nextForce } from './deadlines.ts';
import { walk } from './gates.ts';
import { deletedFor } from './giving-up.ts';
import { marked, sizeMarks } from './marks.ts';
import { isAlive, type Observed, type PodView } from './observed.ts';
import { statusOf } from './status/status.ts';
import { SUSPENDED } from './suspension.ts';
import { accounted } from './usage.ts';
import type { Action, Context, Verdict } from './verdict.ts';

/** What is to be done, and what is to be said if it succeeds. */
export interface Decision {
  readonly context: Context;
  readonly verdict: Verdict;
  /**
   * It cannot be taken back and was made from caches: nothing of it may happen before the objects themselves were read
   * and the same was decided from them.
   */
  readonly read: boolean;
  readonly actions: readonly Action[];
  readonly status: VideoGenerationStatus | undefined;
  readonly requeueAfterMs?: number;
}

/** What is held by a pod or unclear is looked at again after this time, should no watch tell of it. */
const LOOK_AGAIN_MS = 10_000;
/** No timer is longer, whatever a clock says. */
const LONGEST_TIMER_MS = 600_000;

/** Decides about one resource. Pure: the same observation at the same time gives the same decision. */
export function decide(observed: Observed, now: number): Decision {
  const { live, suspend: suspending } = observed;
  const by = (number: number) => deletedFor(observed.status, number);
  const judging = { live, now, suspending, heard: isHeard(observed), deletedFor: by };
  const updated = marked(updatedAttempts(observed.status, observed.jobs, judging), observed);
  const attempts = accounted(updated, observed);
  const seen: Context = { observed, attempts, now };
  const verdict = walk(seen);
  const context = verdict.outcome === 'ending' ? { ...seen, attempts: ended(seen, verdict) } : seen;
  const actions = actionsOf(context, verdict);
  return {
    context,
    verdict,
    read: !observed.live && isDoubtful(context, verdict, actions),
    actions,
    status: statusOf(context, verdict),
    ...defined({ requeueAfterMs: timerOf(context, verdict) }),
  };
}

function ended({ observed, attempts, now }: Context, verdict: Verdict & { readonly outcome: 'ending' }) {
  const { job, why, isGivenUp } = verdict;
  return takenAway(attempts, job, why, { now, size: sizeMarks(job.number, job, observed), isGivenUp });
}

/** What may not be decided from caches. */
function isDoubtful(context: Context, verdict: Verdict, actions: readonly Action[]): boolean {
  if (isVeryFirst(context, verdict, actions)) return false;
  return (
    isFinal(verdict, actions) ||
    isLeftOpen(context, verdict) ||
    isNewlySuspended(context, verdict) ||
    isTakenBack(context) ||
    isNewlyEnding(context, verdict) ||
    isNewlyTakenAway(context)
  );
}

/** The start of a film that nobody has touched since it was made: the claim is refused if anybody does before it. */
function isVeryFirst({ observed }: Context, { outcome }: Verdict, actions: readonly Action[]): boolean {
  const { isNew, status, resource, jobs, outdated } = observed;
  const isAlone = status === undefined && jobs.length === 0 && outdated.length === 0;
  return outcome === 'start' && isNew === true && resource.version !== undefined && isAlone && actions.length === 1;
}

function isFinal({ outcome }: Verdict, actions: readonly Action[]): boolean {
  return ['unsure', 'complete', 'failed'].includes(outcome) || actions.length > 0;
}

/**
 * A film that is over, and a Job of it whose end nobody has seen, or that is not there while its pod goes on: the caches lose sight of one
 * whose labels are taken off.
 */
function isLeftOpen({ observed, attempts }: Context, { outcome }: Verdict): boolean {
  const goesOn = (pod: PodView) => isAlive(pod) && pod.leavingBy === undefined;
  const unseen = observed.jobs.some(({ gone, pods }) => gone === true && pods.some(goesOn));
  return outcome === 'settled' && (unseen || !attempts.every(isEnded));
}

/** Whether a suspension takes a pod away, which is no disruption, is said by its Job, and the caches may be behind with that. */
function isNewlyTakenAway({ observed, attempts }: Context): boolean {
  const known = observed.status?.attempts ?? [];
  const told = new Set(known.filter(({ reason }) => reason === SUSPENDED).map(({ podUid }) => podUid));
  const fresh = attempts.filter((attempt) => !isEnded(attempt) && !told.has(attempt.podUid));
  const ends = newEnds(attempts, known).map(({ outcome }) => outcome);
  return fresh.some(({ reason }) => reason === SUSPENDED) || ends.includes('Disrupted') || ends.includes('Suspended');
}

/** An attempt is to end, though nothing is deleted for it, as where its Job has another pod that has made the film: that other may be all there is. */
function isNewlyEnding({ observed: { status }, attempts }: Context, { outcome }: Verdict): boolean {
  const known = byIdentity(status);
  return (
    outcome === 'ending' &&
    attempts.some((attempt) => !isEnded(attempt) && attempt.reason !== known.get(identityOf(attempt))?.reason)
  );
}

/** A runner works although its attempt was to end for other GPUs: it may be on its way out all the same. */
function isTakenBack({ observed: { status }, attempts }: Context): boolean {
  const now = new Map(attempts.map((attempt) => [identityOf(attempt), attempt]));
  return (status?.attempts ?? []).some(
    (known) => !isEnded(known) && isForOtherGpus(known.reason) && now.get(identityOf(known))?.reason !== known.reason,
  );
}

function timerOf(context: Context, verdict: Verdict): number | undefined {
  const { now } = context;
  if (verdict.outcome === 'held' || verdict.outcome === 'unsure') return LOOK_AGAIN_MS;
  const at = 'at' in verdict ? verdict.at : nextLook(context, verdict);
  return at === undefined ? undefined : Math.max(0, Math.min(LONGEST_TIMER_MS, at - now));
}

/**
 * A Job that the caches have lost sight of must not go on while its film waits: it is looked for when the film begins to, and where it was told
 * as taken away before it had a pod, since that is written before it goes, by an operator that may have ended in between.
 */
function isNewlySuspended({ observed: { status, resource }, attempts }: Context, { outcome }: Verdict): boolean {
  const { claim } = status ?? {};
  if (outcome !== 'suspended' || claim === undefined) return false;
  const last = attempts.findLast(({ number }) => number === claim.attempt);
  const isTold = last !== undefined && last.podUid === undefined && last.reason === SUSPENDED;
  return isTold || status?.observedGeneration !== resource.generation;
}

function nextLook(context: Context, { outcome }: Verdict): number | undefined {
  return outcome === 'settled' ? earliest([nextClearing(context), nextForce(context)]) : nextDeadline(context);
}
