import type { Progress } from '#contract/progress.ts';
import type { Job, ObjectEvent, Pod } from '../api/kubernetes.ts';
import { LABEL_RESOURCE } from '../api/labels.ts';
import type { VideoGeneration } from '../api/video-generation.ts';
import { type Cache, createCache } from '../kube/cache.ts';
import { controllerUid, type KubeObject, keyOf } from '../kube/resource.ts';

/** All that is read to decide: caches that reflectors fill, and the inbox. */
export interface Sources {
  readonly films: Cache<VideoGeneration>;
  readonly jobs: Cache<Job>;
  readonly pods: Cache<Pod>;
  /** Warnings about volumes of pods and about pods that Jobs cannot make. */
  readonly events: Cache<ObjectEvent>;
  readonly published: (podUid: string) => Progress | undefined;
  /** Uids of Jobs whose frozen spec this process has written. */
  readonly frozen: Set<string>;
}

/** Names of the caches' indexes. */
export const BY_OWNER = 'owner';
export const BY_UID = 'uid';
export const BY_SUBJECT = 'subject';

export interface SourceListeners {
  /** A resource has to be looked at. */
  readonly wake: (key: string) => void;
  /** A pod is gone. */
  readonly podGone: (podUid: string) => void;
  readonly published: (podUid: string) => Progress | undefined;
}

/** Makes the empty caches. Every change wakes the resource that it concerns, and does nothing else. */
export function createSources({ wake, podGone, published }: SourceListeners): Sources {
  const frozen = new Set<string>();
  const wakeChild = (child: KubeObject | undefined) => {
    const key = child === undefined ? undefined : resourceKey(child as KubeObject & Labelled);
    if (key !== undefined) wake(key);
  };
  const films = createCache<VideoGeneration>({ [BY_UID]: uidOf }, (before, after) => {
    const object = after ?? before;
    if (object !== undefined) wake(keyOf(object));
  });
  const jobs = createCache<Job>({ [BY_OWNER]: controllerUid, [BY_UID]: uidOf }, (before, after) => {
    if (after === undefined && before?.metadata.uid !== undefined) frozen.delete(before.metadata.uid);
    wakeChild(after ?? before);
  });
  const pods = createCache<Pod>({ [BY_OWNER]: controllerUid, [BY_UID]: uidOf }, (before, after) => {
    if (after === undefined && before?.metadata.uid !== undefined) podGone(before.metadata.uid);
    wakeChild(after ?? before);
  });
  const events = createCache<ObjectEvent>({ [BY_SUBJECT]: (event) => event.involvedObject.uid }, (_before, after) => {
    const uid = after?.involvedObject.uid ?? '';
    wakeChild(pods.by(BY_UID, uid)[0] ?? jobs.by(BY_UID, uid)[0]);
  });
  return { films, jobs, pods, events, published, frozen };
}

interface Labelled {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
}

/** Key of the resource that a Job or pod was made for. */
function resourceKey({ metadata }: KubeObject & Labelled): string | undefined {
  const name = metadata.labels?.[LABEL_RESOURCE];
  return name === undefined ? undefined : `${metadata.namespace ?? ''}/${name}`;
}

function uidOf({ metadata }: KubeObject): string | undefined {
  return metadata.uid;
}
