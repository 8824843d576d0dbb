import { type Why, why } from '../../api/reasons.ts';
import { jobName } from '../../job/names.ts';
import type { Observed } from '../observed.ts';
import type { Verdict } from '../verdict.ts';

/** The one place that says why the film is not running, or why it failed; nothing while it runs or when it is ready. */
export function whyWaiting(observed: Observed, verdict: Verdict): Why | undefined {
  switch (verdict.outcome) {
    case 'stalled':
    case 'failed':
    case 'later':
      return verdict.why;
    case 'start':
      return why('WaitingForPod', { job: jobName(observed.resource, verdict.attempt) });
    case 'live': {
      const pod = verdict.job.pods.at(-1);
      if (pod?.state === 'waiting') return pod.waiting;
      if (pod?.state === 'running') return undefined;
      if (pod !== undefined) return pod.failure;
      const { refusal, name } = verdict.job;
      return refusal === undefined ? why('WaitingForPod', { job: name }) : why('PodRefused', { detail: refusal });
    }
    default:
      return undefined;
  }
}
