import { secondsOf } from '#contract/duration.ts';
import { defined } from '../api/defined.ts';
import { millisecondsOf } from '../api/time.ts';
import type { JobView, PodView } from './observed.ts';
import type { Action, Context } from './verdict.ts';

/*
 * What goes when a film is over: its Jobs with their pods and logs after `spec.jobTtlAfterFinished`, the resource itself after
 * `spec.ttlAfterFinished`, and with the first of the two the pods that have lost their Job. The film stays where it is.
 */

/** What is to be cleared away of a film that is over. */
export function clearingOf(context: Context): readonly Action[] {
  const { observed, now } = context;
  const { film, jobs } = timesOf(context);
  const strays = observed.strays.map((pod) => podDeletionOf(pod, { force: false }));
  // They have no owner that they would follow.
  if (film !== undefined && film <= now) return [...strays, { type: 'delete-film' }];
  if (jobs === undefined || jobs > now) return [];
  const there = [...observed.counted, ...observed.jobs, ...observed.outdated].filter(
    ({ gone, leaving }) => gone !== true && leaving === undefined,
  );
  return [...there.map(deletionOf), ...strays];
}

/** Deletes a Job as it was seen. */
export function deletionOf({ name, uid, version }: JobView): Action {
  return defined({ type: 'delete-job' as const, name, uid, version });
}

/**
 * Deletes a pod as it was seen: it may have ended since, and what its runner left goes with it. By force, too: a node that is heard of
 * again may tell how the pod ended in this very moment, and as long as it is not, nothing changes its pod.
 */
export function podDeletionOf(
  { name, uid, version }: Pick<PodView, 'name' | 'uid' | 'version'>,
  { force }: { readonly force: boolean },
): Action {
  return defined({ type: 'delete-pod' as const, name, uid, version, force });
}

/** When something is to be cleared away next. */
export function nextClearing(context: Context): number | undefined {
  const { film, jobs } = timesOf(context);
  const { counted, jobs: own, outdated, strays } = context.observed;
  const left = counted.length + own.length + outdated.length + strays.length > 0;
  const times = [film, left ? jobs : undefined].filter((at) => at !== undefined && at > context.now);
  return times.length === 0 ? undefined : Math.min(...(times as number[]));
}

function timesOf({ observed: { spec, status } }: Context): { readonly film?: number; readonly jobs?: number } {
  // By our own clock: when the runner ended is told by its node's.
  const over = status?.conditions?.find((c) => (c.type === 'Complete' || c.type === 'Failed') && c.status === 'True');
  const end = millisecondsOf(over?.lastTransitionTime ?? '');
  if (spec === undefined || Number.isNaN(end)) return {};
  const film = spec.ttlAfterFinished === undefined ? {} : { film: end + 1000 * secondsOf(spec.ttlAfterFinished) };
  return { ...film, jobs: end + 1000 * secondsOf(spec.jobTtlAfterFinished) };
}
