/** A kind of object as the API server addresses it; the core group is ''. */
export interface ResourceType {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** The API server sends no bookmarks on watches of this kind, so a watch that says nothing is well. */
  readonly quiet?: true;
}

/** The least that every object has. */
export interface KubeObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly deletionTimestamp?: string;
    readonly ownerReferences?: readonly {
      readonly uid: string;
      readonly kind: string;
      readonly name: string;
      readonly controller?: boolean;
    }[];
  };
}

export const JOBS: ResourceType = { group: 'batch', version: 'v1', plural: 'jobs' };
export const PODS: ResourceType = { group: '', version: 'v1', plural: 'pods' };
export const CONFIG_MAPS: ResourceType = { group: '', version: 'v1', plural: 'configmaps' };
export const SECRETS: ResourceType = { group: '', version: 'v1', plural: 'secrets' };
/** Events are not in the API server's watch cache, which is where bookmarks come from. */
export const CORE_EVENTS: ResourceType = { group: '', version: 'v1', plural: 'events', quiet: true };
export const EVENTS: ResourceType = { group: 'events.k8s.io', version: 'v1', plural: 'events' };
export const LEASES: ResourceType = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' };
/** What Kueue makes for each Job that waits in a queue of it. */
export const WORKLOADS: ResourceType = { group: 'kueue.x-k8s.io', version: 'v1beta1', plural: 'workloads' };
export const TOKEN_REVIEWS: ResourceType = { group: 'authentication.k8s.io', version: 'v1', plural: 'tokenreviews' };

/** Where an object or a collection is, in all namespaces where none is given. */
export function pathOf(
  { group, version, plural }: ResourceType,
  at: {
    readonly namespace?: string | undefined;
    readonly name?: string | undefined;
    readonly subresource?: string | undefined;
  } = {},
): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const parts = [
    ...(at.namespace === undefined || at.namespace === '' ? [] : ['namespaces', at.namespace]),
    plural,
    ...(at.name === undefined ? [] : [at.name]),
    ...(at.subresource === undefined ? [] : [at.subresource]),
  ];
  return [root, ...parts.map(encodeURIComponent)].join('/');
}

/** Key of an object in caches and queues: `namespace/name`. */
export function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

/** The controller of an object. */
export function controllerOf({ metadata }: KubeObject) {
  return metadata.ownerReferences?.find((owner) => owner.controller === true);
}

/** Uid of the controller of an object. */
export function controllerUid(object: KubeObject): string | undefined {
  return controllerOf(object)?.uid;
}
