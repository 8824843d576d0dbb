import type { Pod } from '../api/kubernetes.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import type { ResourceName } from '../job/names.ts';
import { jobOfPod } from './belongs.ts';
import type { JobView } from './observed.ts';
import { holdsGpus } from './pod-facts.ts';
import { isCounted } from './status/kept-attempts.ts';

/**
 * A pod counts while it holds its GPUs. One that has ended counts only if it was known before, or is a pod of a Job that is known: by its
 * owner or, where it has lost that (Jobs can be deleted without their pods), by the Job controller's own label. Who can make pods
 * can write any owner into them.
 */
export function isOwn(
  resource: ResourceName,
  pod: Pod,
  jobUids: ReadonlySet<string | undefined>,
  status: VideoGenerationStatus | undefined,
): boolean {
  const of = jobOfPod(resource, pod);
  if (of === undefined) return false;
  if (holdsGpus(pod)) return true;
  return (of.uid !== undefined && jobUids.has(of.uid)) || isRecorded(status, pod.metadata.uid);
}

/** A Job that is gone, as its pods tell of it. */
export type LostJob = Pick<JobView, 'name' | 'uid' | 'number'>;

/** Whether the status tells of a Job that is gone: by its pods, or by a claim of which nobody has written down yet what came of it. */
export function isWrittenDown(
  { number }: Pick<LostJob, 'number'>,
  pods: readonly Pod[],
  { claim, attempts = [] }: Pick<VideoGenerationStatus, 'claim' | 'attempts'> = {},
): boolean {
  const uids = new Set(pods.map(({ metadata }) => metadata.uid));
  const isClaimed = claim !== undefined && claim.jobUid === undefined && claim.attempt === number;
  return isClaimed || attempts.some(({ podUid }) => uids.has(podUid));
}

/** A pod that has ended, and that the list of attempts has no room for any more. */
export function isOnlyCounted(pod: Pod, status: VideoGenerationStatus | undefined): boolean {
  return !holdsGpus(pod) && isCounted(pod.metadata.uid, status?.earlierAttempts);
}

function isRecorded(status: VideoGenerationStatus | undefined, uid: string | undefined): boolean {
  return status?.attempts?.some(({ podUid }) => podUid !== undefined && podUid === uid) ?? false;
}
