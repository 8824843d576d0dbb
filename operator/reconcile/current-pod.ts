import type { Pod } from '../api/kubernetes.ts';
import type { VideoGeneration } from '../api/video-generation.ts';
import { keyOf } from '../kube/resource.ts';
import { attemptNumber, jobOfPod, labelledKey, ownerKey, ownerOf, resourceOwner } from './belongs.ts';
import { podState } from './pod-facts.ts';
import { BY_OWNER, BY_UID, type Sources } from './sources.ts';

/**
 * Key of the resource that a pod is now at work for. Undefined for every other pod: one that has ended or was replaced,
 * one whose Job was followed by another, one that is not ours. So a runner that was given up cannot speak for its successor,
 * and no pod speaks for a film of another namespace or takes the place of one at work after its own end.
 */
export function resourceOfCurrentPod({ resources, jobs, pods }: Sources, podUid: string): string | undefined {
  const [pod] = pods.by(BY_UID, podUid);
  if (pod === undefined || !isAtWork(pod)) return undefined;
  const object = resources.get(labelledKey(pod) ?? '');
  const resource = object === undefined ? undefined : nameOf(object);
  const owner = ownerOf(pod);
  if (resource === undefined || owner === undefined || jobOfPod(resource, pod)?.uid === undefined) return undefined;
  const own = jobs.by(BY_OWNER, ownerKey(resourceOwner(resource)));
  const job = own.find((candidate) => candidate.metadata.uid === owner.uid && candidate.metadata.name === owner.name);
  const number = job === undefined ? undefined : attemptNumber(resource, job);
  if (number === undefined) return undefined;
  const newer = own.some((other) => (attemptNumber(resource, other) ?? 0) > number);
  const replaced = pods.by(BY_OWNER, ownerKey(owner)).some((other) => isAtWork(other) && age(other) > age(pod));
  return newer || replaced || object === undefined ? undefined : keyOf(object);
}

function isAtWork(pod: Pod): boolean {
  return ['waiting', 'running'].includes(podState(pod));
}

function nameOf({ metadata: { namespace = '', name, uid = '' } }: VideoGeneration) {
  return { namespace, name, uid };
}

function age({ metadata }: Pod): number {
  return Date.parse(metadata.creationTimestamp ?? '') || 0;
}
