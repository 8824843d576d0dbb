import { API_VERSION, KIND, LABEL_JOB_UID, LABEL_RESOURCE } from '../api/labels.ts';
import { attemptOfJob, type ResourceName } from '../job/names.ts';
import type { KubeObject } from '../kube/resource.ts';

/** An object that can carry labels and owners with their group. */
export type Child = KubeObject & {
  readonly metadata: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly apiVersion?: string }[];
  };
};

/** Who an object says its controller is. Names are worth nothing without the namespace: owners are never elsewhere. */
export interface Owner {
  readonly namespace: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** Key of an owner in the caches' indexes: nothing of another namespace, kind, name or uid shares it. */
export function ownerKey({ namespace, apiVersion, kind, name, uid }: Owner): string {
  return [namespace, apiVersion, kind, name, uid].join('/');
}

/** The controller that an object names. */
export function ownerOf({ metadata }: Child): Owner | undefined {
  const found = metadata.ownerReferences?.find((owner) => owner.controller === true) as Owner | undefined;
  if (found === undefined) return undefined;
  const { apiVersion, kind, name, uid } = found;
  return { namespace: metadata.namespace ?? '', apiVersion, kind, name, uid };
}

/** Owner as the Jobs of a resource name it. */
export function resourceOwner({ namespace, name, uid }: ResourceName): Owner {
  return { namespace, apiVersion: API_VERSION, kind: KIND, name, uid };
}

/**
 * Key of what somebody else's object (an event, a Workload) speaks of: it speaks of nothing outside its own namespace, whatever uid it
 * names. Who can write there can name any.
 */
export function subjectKey(namespace: string | undefined, uid: string | undefined): string {
  return `${namespace ?? ''}/${uid ?? ''}`;
}

/** Key of the resource that an object is labelled for: `namespace/name`. */
export function labelledKey({ metadata }: Child): string | undefined {
  const name = metadata.labels?.[LABEL_RESOURCE];
  return name === undefined ? undefined : `${metadata.namespace ?? ''}/${name}`;
}

/** Number of the attempt that a Job makes for a resource; undefined if it was not made for it. */
export function attemptNumber(resource: ResourceName, job: Child): number | undefined {
  const owner = ownerOf(job);
  if (owner === undefined || ownerKey(owner) !== ownerKey(resourceOwner(resource))) return undefined;
  return attemptOfJob(resource, job.metadata.name);
}

/**
 * The Job of a resource that a pod belongs to, by what the pod itself says: its owner, or, where that was taken off (Jobs
 * can be deleted without their pods), its name and the Job controller's own label.
 */
export function jobOfPod(
  resource: ResourceName,
  pod: Child,
): { readonly name: string; readonly uid: string | undefined; readonly number: number } | undefined {
  if (pod.metadata.namespace !== resource.namespace || labelledKey(pod) !== `${resource.namespace}/${resource.name}`)
    return undefined;
  const owner = ownerOf(pod);
  if (owner !== undefined && (owner.kind !== 'Job' || owner.apiVersion !== 'batch/v1')) return undefined;
  const name = owner?.name ?? pod.metadata.name.replace(/-[a-z0-9]{5}$/, '');
  const number = attemptOfJob(resource, name);
  return number === undefined ? undefined : { name, uid: owner?.uid ?? pod.metadata.labels?.[LABEL_JOB_UID], number };
}
