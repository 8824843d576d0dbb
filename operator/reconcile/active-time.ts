import type { Attempt } from '../api/status.ts';
import { millisecondsOf } from '../api/time.ts';
import { freshEnds } from './attempts.ts';
import { type Observed, writtenProgress } from './observed.ts';
import type { Context } from './verdict.ts';

/*
 * For how long runners have worked, as far as that is over: what `deadlines.active` and the cost of a film count.
 */

/** Seconds that the runners of attempts that have ended have worked; those written down count as they were. */
export function activeSecondsOf({ observed, attempts }: Context): number {
  const { status: before } = observed;
  return freshEnds(attempts, before).reduce(
    (sum, attempt) => sum + workedSeconds(attempt, observed),
    before?.activeSeconds ?? 0,
  );
}

/**
 * How long a runner worked: both ends by the one clock of its node, and no longer than the control plane and the operator can have seen;
 * but no shorter than it was seen to get on, since a node's clock may be set while it works. Where that says that it ended before it
 * began, until its end was written down. Where nobody saw its end, until it was last seen to get on: its Job may have taken a while to
 * end after it.
 */
export function workedSeconds(
  { podUid, startTime, recordedTime, exitCode }: Attempt,
  { status, jobs }: Observed,
): number {
  const pod = jobs.flatMap(({ pods }) => pods).find(({ uid }) => uid === podUid);
  // A kubelet that has lost a container tells an exit code and no times.
  const gotOn = secondsBetween(startTime, writtenProgress(podUid, status)?.lastAdvanceTime);
  if (exitCode === undefined || !pod?.startTime || !pod.endTime) return gotOn;
  const known = status?.attempts?.find((attempt) => attempt.podUid === podUid)?.startTime;
  const most = secondsBetween(known ?? pod.created, recordedTime);
  const isAbsurd = millisecondsOf(pod.endTime) < millisecondsOf(pod.startTime);
  return isAbsurd ? most : Math.min(most, Math.max(gotOn, secondsBetween(pod.startTime, pod.endTime)));
}

function secondsBetween(from: string | undefined, to: string | undefined): number {
  const took = from === undefined || to === undefined ? 0 : millisecondsOf(to) - millisecondsOf(from);
  return Math.max(0, Math.round(took / 1000)) || 0;
}
