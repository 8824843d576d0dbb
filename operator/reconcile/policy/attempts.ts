import { defined } from '../../api/defined.ts';
import { type Why, why } from '../../api/reasons.ts';
import type { Attempt, Outcome } from '../../api/status.ts';
import type { JobEnd, JobView, PodState, PodView } from '../observed.ts';

const OUTCOME_OF: Readonly<Record<PodState, Outcome>> = {
  waiting: 'Waiting',
  running: 'Running',
  succeeded: 'Succeeded',
  failed: 'Failed',
  disrupted: 'Disrupted',
};

/**
 * Every attempt so far: pods that exist as they are, pods that are gone as they were last seen. One that was gone before
 * its end was seen ended as its Job did, or else was taken away. A Job that failed without a pod is an attempt, too.
 */
export function updatedAttempts(known: readonly Attempt[], jobs: readonly JobView[]): readonly Attempt[] {
  const seen = jobs.flatMap((job) => job.pods.map((pod) => attemptOf(job, pod)));
  const uids = new Set(seen.map((attempt) => attempt.podUid));
  const gone = known.filter((attempt) => attempt.podUid === undefined || !uids.has(attempt.podUid));
  const past = gone.map((attempt) => closed(attempt, jobs));
  const podless = jobs
    .filter((job) => job.ended !== undefined && ![...past, ...seen].some((attempt) => attempt.job === job.name))
    .map((job) => ({ ...attemptHead(job), ...ended(job.ended as JobEnd) }));
  return [...past, ...seen, ...podless].toSorted((a, b) => a.number - b.number);
}

/** Attempts that ended in a way. */
export function countOutcome(attempts: readonly Attempt[], outcome: Outcome): number {
  return attempts.filter((attempt) => attempt.outcome === outcome).length;
}

/** Why an attempt ended, as one phrase. */
export function endingOf(attempt: Attempt): string {
  return [attempt.reason, attempt.message].filter((part) => part !== undefined).join(': ');
}

function attemptHead({ number, name, generation }: JobView) {
  return { number, job: name, generation };
}

function attemptOf(job: JobView, pod: PodView): Attempt {
  return defined({
    ...attemptHead(job),
    pod: pod.name,
    podUid: pod.uid,
    node: pod.node,
    startTime: pod.startTime,
    endTime: pod.endTime,
    outcome: OUTCOME_OF[pod.state],
    exitCode: pod.exitCode,
    ...pod.failure,
  });
}

/** An attempt whose pod is gone. */
function closed(attempt: Attempt, jobs: readonly JobView[]): Attempt {
  if (attempt.outcome !== 'Waiting' && attempt.outcome !== 'Running') return attempt;
  const job = jobs.find((candidate) => candidate.name === attempt.job);
  const replaced = (job?.pods.length ?? 0) > 0;
  if (job?.ended !== undefined && !replaced) return { ...attempt, ...ended(job.ended) };
  const lost: Why = why('PodLost', { pod: attempt.pod ?? attempt.job });
  return { ...attempt, outcome: 'Disrupted', ...lost };
}

function ended(end: JobEnd): Pick<Attempt, 'outcome' | 'endTime' | 'reason' | 'message'> {
  const common = defined({ endTime: end.time });
  return end.complete
    ? { ...common, outcome: 'Succeeded' }
    : { ...common, outcome: 'Failed', reason: 'JobFailed', message: end.message };
}
