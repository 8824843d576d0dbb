import { controllerUid, keyOf } from '../kube/resource.ts';
import { podState } from './policy/outcome.ts';
import { BY_OWNER, BY_UID, type Sources } from './sources.ts';

/**
 * Key of the resource that a pod is now at work for. Undefined for every other pod: one that has ended or was replaced,
 * one whose Job was followed by another, one that is not ours. So a runner that was given up cannot speak for its successor.
 */
export function resourceOfCurrentPod({ films, jobs, pods }: Sources, podUid: string): string | undefined {
  const [pod] = pods.by(BY_UID, podUid);
  if (pod === undefined || !['waiting', 'running'].includes(podState(pod))) return undefined;
  const jobUid = controllerUid(pod);
  const [job] = jobUid === undefined ? [] : jobs.by(BY_UID, jobUid);
  const filmUid = job === undefined ? undefined : controllerUid(job);
  if (job === undefined || filmUid === undefined) return undefined;
  const newer = jobs.by(BY_OWNER, filmUid).some((other) => age(other) > age(job));
  const replaced = pods.by(BY_OWNER, jobUid ?? '').some((other) => age(other) > age(pod));
  const [film] = films.by(BY_UID, filmUid);
  return newer || replaced || film === undefined ? undefined : keyOf(film);
}

function age({ metadata }: { readonly metadata: { readonly creationTimestamp?: string } }): number {
  return Date.parse(metadata.creationTimestamp ?? '') || 0;
}
