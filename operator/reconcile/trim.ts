import { isDeepStrictEqual } from 'node:util';
import type { ContainerStatus, Job, Pod, ResourceStatus } from '../api/kubernetes.ts';
import type { VideoGeneration } from '../api/video-generation.ts';
import { withoutManagedFields } from '../kube/cache.ts';
import type { KubeObject } from '../kube/resource.ts';

/*
 * What the caches keep: thousands of objects are in memory for as long as the operator runs, and decisions read little of
 * them. `trim.test.ts` holds that the same is seen of the whole object.
 */

/** `kubectl apply` leaves a second copy of the whole object here. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

type Annotated = KubeObject & { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } };

/** An object without what only the API server and kubectl need of its metadata. */
export function trimMetadata<T extends Annotated>(object: T): T {
  const bare = withoutManagedFields(object);
  const { annotations } = bare.metadata;
  if (annotations?.[LAST_APPLIED] === undefined) return bare;
  const { [LAST_APPLIED]: _copy, ...others } = annotations;
  return { ...bare, metadata: { ...bare.metadata, annotations: others } };
}

/** A film that goes on with the very spec it had, where nobody has changed it: a spec is checked once for each object that it is. */
export function shareSpec(before: VideoGeneration, after: VideoGeneration): VideoGeneration {
  // Of another film the same words make something else.
  const isSame = before.metadata.uid === after.metadata.uid && isDeepStrictEqual(before.spec, after.spec);
  return isSame ? { ...after, spec: before.spec } : after;
}

/** A Job without the pod that it makes. */
export function trimJob(job: Job): Job {
  const { template: _pod, podFailurePolicy: _policy, ...spec } = job.spec;
  return { ...trimMetadata(job), spec };
}

/** A pod as far as it tells where it stands: its node and what is said of it, but not what it is made of. */
export function trimPod(pod: Pod): Pod {
  const { spec, status } = pod;
  const nodeName = spec?.nodeName;
  return {
    ...trimMetadata(pod),
    ...(spec === undefined ? {} : { spec: nodeName === undefined ? {} : { nodeName } }),
    ...(status === undefined ? {} : { status: trimStatus(status) }),
  };
}

function trimStatus(status: NonNullable<Pod['status']>): NonNullable<Pod['status']> {
  const { phase, reason, message, startTime, conditions } = status;
  const initContainerStatuses = status.initContainerStatuses?.map(trimContainer);
  const containerStatuses = status.containerStatuses?.map(trimContainer);
  const all = { phase, reason, message, startTime, conditions, initContainerStatuses, containerStatuses };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function trimContainer({ name, state, allocatedResourcesStatus }: ContainerStatus): ContainerStatus {
  return {
    name,
    ...(state === undefined ? {} : { state }),
    ...(allocatedResourcesStatus === undefined ? {} : { allocatedResourcesStatus: ailing(allocatedResourcesStatus) }),
  };
}

/** That a resource was told of, and its devices that are not healthy. */
function ailing(told: readonly ResourceStatus[]): readonly ResourceStatus[] {
  return told.map(({ name, resources }) => {
    const found = resources?.filter(({ health }) => health !== 'Healthy') ?? [];
    return found.length === 0 ? { name } : { name, resources: found };
  });
}
