import { defined } from '../api/defined.ts';
import { clearingOf, deletionOf, podDeletionOf } from './clearing.ts';
import { isLeftWithFilm, isToBeForced } from './deadlines.ts';
import { endsByItself, hasFilm, isAlive, isOpen, type JobView, type PodView } from './observed.ts';
import type { Action, Context, Verdict } from './verdict.ts';

/** What is to be done about a verdict, and what is to be cleared away whatever the verdict is. */
export function actionsOf(context: Context, verdict: Verdict): readonly Action[] {
  if (verdict.outcome === 'unsure') return [];
  if (verdict.outcome === 'leaving') return context.observed.resource.deleting ? forced(context) : [];
  const clearing = verdict.outcome === 'settled' ? clearingOf(context) : [];
  return [...deletions(context, verdict), ...pods(context, verdict), ...work(context, verdict), ...clearing];
}

function work(context: Context, verdict: Verdict): readonly Action[] {
  if (verdict.outcome === 'start')
    return [defined({ type: 'create-job' as const, attempt: verdict.attempt, gpus: verdict.sized?.gpus })];
  if (verdict.outcome !== 'live') return [];
  const { job } = verdict;
  if (!awaitsFrozenSpec(job) || context.observed.spec === undefined || !isOfThisSpec(context, job)) return [];
  return [defined({ type: 'freeze' as const, attempt: job.number, jobUid: job.uid, map: job.map, gpus: job.gpus })];
}

/**
 * Jobs that must not go on: those of another film, all of a film that is over, all but the newest of one that is not, and one whose frozen spec is missing and can no longer be written as it was meant.
 */
function deletions(context: Context, verdict: Verdict): readonly Action[] {
  const { observed } = context;
  const open = observed.jobs.filter(isOpen);
  const outdated = observed.outdated.filter((job) => isOpen(job) && job.leaving === undefined && !endsByItself(job));
  return [...outdated, ...open.filter((job) => isToGo(job, open, context, verdict))].map(deletionOf);
}

function isToGo(job: JobView, open: readonly JobView[], context: Context, verdict: Verdict): boolean {
  // First the result is written down; the Job that it came from, and one that has the film as well, goes in the next round.
  if (verdict.outcome === 'complete' && (verdict.job === job.name || job.pods.some(hasFilm))) return false;
  // One that is suspended makes a pod again, should somebody let it go on.
  if (verdict.outcome === 'settled' || verdict.outcome === 'failed' || verdict.outcome === 'complete')
    return job.suspended !== undefined || !endsByItself(job);
  if (job !== open.at(-1)) return true;
  // Its next pod would write where one that everybody believes dead may still write.
  if (job.pods.some((pod) => isToBeForced(pod, context))) return job.leaving === undefined;
  if (verdict.outcome === 'suspended' || verdict.outcome === 'ending')
    return job.leaving === undefined && !endsByItself(job);
  const { observed } = context;
  return awaitsFrozenSpec(job) && observed.spec !== undefined && !isOfThisSpec(context, job);
}

/**
 * Pods that must not stay: one whose runner has ended while a container that somebody else has put there goes on, one that has lost its Job
 * and is to end, and, where the spec says so, one whose node is believed to be lost.
 */
function pods(context: Context, verdict: Verdict): readonly Action[] {
  const { observed } = context;
  const all = [...observed.jobs, ...observed.outdated].flatMap((job) => job.pods.map((pod) => ({ job, pod })));
  return all.flatMap(({ job, pod }): readonly Action[] => {
    // First the result that it left is written down.
    if (verdict.outcome === 'complete' && isLeftWithFilm(pod, context)) return [];
    if (isToBeForced(pod, context)) return [podDeletionOf(pod, { force: true })];
    const isToEnd =
      verdict.outcome === 'live' ? pod.lingering !== undefined : isLostAndToEnd(job, pod, context, verdict);
    return isToEnd && pod.leavingBy === undefined ? [podDeletionOf(pod, { force: false })] : [];
  });
}

/** A film that is deleted in the foreground goes after its pods; those of a node that is believed to be lost end by force alone. */
function forced(context: Context): readonly Action[] {
  const { jobs, outdated } = context.observed;
  const lost = [...jobs, ...outdated].flatMap(({ pods }) => pods.filter((pod) => isToBeForced(pod, context)));
  return lost.map((pod) => podDeletionOf(pod, { force: true }));
}

/** Nobody ends a pod whose Job was deleted without it but itself, and whoever deletes it. */
function isLostAndToEnd(job: JobView, pod: PodView, { observed }: Context, verdict: Verdict): boolean {
  const { outcome } = verdict;
  if (job.gone !== true || job.isUnknown === true || pod.isOrphan !== true || !isAlive(pod)) return false;
  if (outcome === 'settled' || outcome === 'failed') return true;
  if (outcome === 'ending' && verdict.job === job) return true;
  return outcome === 'held' && (pod.lingering !== undefined || observed.suspend);
}

/**
 * Its runner has not read the frozen spec yet; nor has that of the pod which the Job makes in place of one taken away. Where nobody
 * knows whether it is there, it is looked for when a pod needs it: a thousand films in a queue cost an operator that begins nothing.
 */
function awaitsFrozenSpec({ frozen, pods }: JobView): boolean {
  const isNeeded = frozen === 'missing' || pods.some(({ state, scheduled }) => state === 'waiting' && scheduled);
  return frozen !== 'written' && isNeeded && pods.every(({ state }) => state === 'waiting' || state === 'disrupted');
}

/** Whether the frozen spec, written now, would be the one that the Job was made for. */
function isOfThisSpec({ observed }: Context, job: JobView): boolean {
  return job.specHash === undefined
    ? job.generation === observed.resource.generation
    : job.specHash === observed.specHash;
}
