import { defined } from '../api/defined.ts';
import type { Job, Pod } from '../api/kubernetes.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import type { ResourceName } from '../job/names.ts';
import { jobOfPod, ownerOf } from './belongs.ts';
import type { StrayPod } from './observed.ts';
import { isOnlyCounted, isOwn } from './own-pods.ts';
import { holdsGpus } from './pod-facts.ts';

/**
 * Pods of a resource that have ended and that nobody clears away with a Job: theirs was deleted without them. Labels can be written by
 * anybody: only what the status knows, by its Job or as an attempt, is taken for a pod of the film.
 */
export function straysOf(
  resource: ResourceName,
  pods: readonly Pod[],
  jobs: readonly Job[],
  status: VideoGenerationStatus | undefined,
): readonly StrayPod[] {
  const there = new Set(jobs.map(({ metadata }) => metadata.uid));
  const known = new Set([status?.claim?.jobUid]);
  const isStray = (pod: Pod) => {
    const of = jobOfPod(resource, pod);
    if (of === undefined || there.has(of.uid) || ownerOf(pod) !== undefined || holdsGpus(pod)) return false;
    return isOwn(resource, pod, known, status) || isOnlyCounted(pod, status);
  };
  const left = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined && isStray(pod));
  return left.map(({ metadata: { name, uid = '', resourceVersion: version } }) => defined({ name, uid, version }));
}
