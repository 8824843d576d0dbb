import { type Why, why } from '../../api/reasons.ts';
import { jobName } from '../../job/names.ts';
import { type JobView, type Observed, type PodView, podOf } from '../observed.ts';
import type { Verdict } from '../verdict.ts';

/** The one place that says why the film is not running, or why it failed; nothing while it runs or when it is ready. */
export function whyNotRunning(observed: Observed, verdict: Verdict): Why | undefined {
  switch (verdict.outcome) {
    case 'held':
      // A film that is given up does not go on, whatever its spec says.
      return observed.suspend && verdict.job === undefined
        ? why('Suspended', { detail: heldWhileSuspended(verdict.why) })
        : verdict.why;
    case 'suspended':
    case 'ending':
    case 'stalled':
    case 'failed':
    case 'later':
    case 'refused':
      return verdict.why;
    case 'start':
      return why('WaitingForPod', { job: jobName(observed.resource, verdict.attempt) });
    case 'live':
      return whyNotAtWork(verdict.job);
    default:
      return undefined;
  }
}

function whyNotAtWork(job: JobView): Why | undefined {
  const pod = podOf(job);
  if (pod?.lingering !== undefined) return outlived(pod);
  if (pod?.state === 'waiting') return pod.waiting;
  if (pod?.state === 'running') return undefined;
  const { refusal, suspended, leaving, name } = job;
  if (leaving !== undefined) return why('JobLeaving', { job: name, detail: waitsFor(leaving) });
  if (suspended !== undefined) return suspended;
  if (refusal !== undefined) return why('PodRefused', { detail: refusal });
  return pod === undefined ? why('WaitingForPod', { job: name }) : pod.failure;
}

function outlived({ name, lingering = [], failure, exitCode }: PodView): Why {
  const told = failure?.reason ?? `exit code ${exitCode}`;
  return why('RunnerEnded', { pod: name, why: told, containers: lingering.join(', ') });
}

function heldWhileSuspended({ message }: Why): string {
  return `spec.suspend is true: set it to false to go on; ${message}`;
}

function waitsFor(finalizers: readonly string[]): string {
  return finalizers.length === 0 ? '' : `; it waits for ${finalizers.join(', ')}`;
}
