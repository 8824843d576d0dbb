import { conditionIs, type Job, type Pod } from '../api/kubernetes.ts';
import type { ResourceName } from '../job/names.ts';
import { jobOfPod } from './belongs.ts';
import { podState } from './pod-facts.ts';
import { jobEnd } from './view.ts';

/** A pod that was at work when it was last seen. */
export interface KnownPod {
  readonly job: string;
  readonly uid: string;
}

/**
 * Jobs whose pods tell of a stop that they say nothing of, or the other way round. The pods were read after the Jobs, and in between a queue may
 * have taken a Job away or let it go: a pod that was suspended would count as disrupted, and one that has only begun as suspended, also where it
 * was taken away since.
 */
export function contradictedJobs(
  resource: ResourceName,
  jobs: readonly Job[],
  pods: readonly Pod[],
  known: readonly KnownPod[],
): readonly Job[] {
  const there = new Set(pods.map(({ metadata }) => metadata.uid));
  return jobs.filter((job) => {
    const uid = job.metadata.uid ?? '';
    if (jobEnd(job) !== undefined) return false;
    const own = pods.filter((pod) => jobOfPod(resource, pod)?.uid === uid);
    const isGoing = (pod: Pod) => pod.metadata.deletionTimestamp !== undefined || podState(pod) === 'disrupted';
    const isMissed = known.some((pod) => pod.job === job.metadata.name && !there.has(pod.uid));
    // One that was not seen before may have been made, and taken away, since its Job was let go.
    const isNew = ({ metadata }: Pod) => !known.some((pod) => pod.uid === metadata.uid);
    return isHeldBack(job) ? own.some((pod) => !isGoing(pod) || isNew(pod)) : isMissed || own.some(isGoing);
  });
}

function isHeldBack({ spec, status }: Job): boolean {
  return spec.suspend === true || spec.parallelism === 0 || conditionIs(status?.conditions, 'Suspended', 'True');
}
