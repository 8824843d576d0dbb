import type { Progress } from '#contract/progress.ts';
import type { Job, ObjectEvent, Pod, Workload } from '../api/kubernetes.ts';
import type { Claim } from '../api/status.ts';
import type { VideoGeneration } from '../api/video-generation.ts';
import { type Cache, type ChangeListener, createCache } from '../kube/cache.ts';
import { controllerUid, type KubeObject, keyOf } from '../kube/resource.ts';
import { type Child, labelledKey, ownerKey, ownerOf, subjectKey } from './belongs.ts';
import type { Refusal } from './observed.ts';
import { shareSpec, trimJob, trimMetadata, trimPod } from './trim.ts';

/** All that is read to decide: caches that reflectors fill, and the inbox. */
export interface Sources {
  readonly resources: Cache<VideoGeneration>;
  readonly jobs: Cache<Job>;
  readonly pods: Cache<Pod>;
  /** Warnings about volumes of pods and about pods that Jobs cannot make. */
  readonly events: Cache<ObjectEvent>;
  /** What Kueue says of our Jobs; empty where it is not asked. */
  readonly workloads: Cache<Workload>;
  readonly published: (podUid: string) => Progress | undefined;
  readonly hearing: (podUid: string | undefined) => Hearing;
  /** By uid of the Job, whether this process has written or seen its frozen spec, or found it missing. */
  readonly frozen: Map<string, boolean>;
  /** By uid of the resource, what this process knows of the Job that was claimed, and has had no reason yet to write down. */
  readonly unwritten: Map<string, Claim>;
  /** By uid of the Job, the newest complaint about its frozen spec that was looked into: its event's version. */
  readonly complaints: Map<string, string>;
  /** By uid of the resource, what the API server has refused, and for which generation. */
  readonly refusals: Map<string, Refusal & { readonly generation: number }>;
}

/** For how long a pod has not been heard of, and how long somebody has been listening, in milliseconds. */
export interface Hearing {
  readonly silentMs: number;
  readonly listeningMs: number;
}

/** Names of the caches' indexes. */
export const BY_OWNER = 'owner';
export const BY_UID = 'uid';
/** Of events and Workloads by what they speak of, see `subjectKey`. */
export const BY_SUBJECT = 'subject';
/** Key of the resource that Jobs and pods are labelled for. */
export const BY_LABEL = 'label';

export interface SourceListeners {
  /** A resource has to be looked at. */
  readonly wake: (key: string) => void;
  /** A pod is gone. */
  readonly podGone: (podUid: string) => void;
  readonly published: (podUid: string) => Progress | undefined;
  readonly hearing: (podUid: string | undefined) => Hearing;
}

/** Makes the empty caches. Every change wakes the resource that it concerns, and does nothing else. */
export function createSources({ wake, podGone, published, hearing }: SourceListeners): Sources {
  const frozen: Sources['frozen'] = new Map();
  const complaints = new Map<string, string>();
  const refusals: Sources['refusals'] = new Map();
  const unwritten: Sources['unwritten'] = new Map();
  const wakeChild = (child: Child | undefined) => {
    const key = child === undefined ? undefined : labelledKey(child);
    if (key !== undefined) wake(key);
  };
  const filmChanged: ChangeListener<VideoGeneration> = (before, after) => {
    const object = after ?? before;
    if (after === undefined) for (const memory of [refusals, unwritten]) memory.delete(before?.metadata.uid ?? '');
    if (object !== undefined) wake(keyOf(object));
  };
  const jobChanged: ChangeListener<Job> = (before, after) => {
    if (after === undefined && before?.metadata.uid !== undefined) {
      frozen.delete(before.metadata.uid);
      complaints.delete(before.metadata.uid);
    }
    wakeChild(after ?? before);
  };
  const podChanged: ChangeListener<Pod> = (before, after) => {
    if (after === undefined && before?.metadata.uid !== undefined) podGone(before.metadata.uid);
    wakeChild(after ?? before);
  };
  const children = { [BY_OWNER]: ownerIndex, [BY_LABEL]: labelledKey, [BY_SUBJECT]: placeOf };
  const resources = createCache<VideoGeneration>({}, filmChanged, trimMetadata, shareSpec);
  const jobs = createCache<Job>(children, jobChanged, trimJob);
  const pods = createCache<Pod>({ ...children, [BY_UID]: uidOf }, podChanged, trimPod);
  const events = createCache<ObjectEvent>({ [BY_SUBJECT]: subjectOfEvent }, (_before, after) => {
    const subject = after === undefined ? undefined : subjectOfEvent(after);
    if (subject !== undefined) wakeChild(pods.by(BY_SUBJECT, subject)[0] ?? jobs.by(BY_SUBJECT, subject)[0]);
  });
  const workloads = createCache<Workload>({ [BY_SUBJECT]: subjectOfWorkload }, (before, after) => {
    wakeChild(jobs.by(BY_SUBJECT, subjectOfWorkload((after ?? before)!))[0]);
  });
  return { resources, jobs, pods, events, workloads, published, hearing, frozen, unwritten, complaints, refusals };
}

/** Puts objects that were read from the API server into a cache, where they are newer than what is there. */
export function learn<T extends KubeObject>(cache: Cache<T>, objects: readonly T[]): void {
  for (const object of objects) cache.learn(object);
}

function ownerIndex(child: Child): string | undefined {
  const owner = ownerOf(child);
  return owner === undefined ? undefined : ownerKey(owner);
}

function uidOf({ metadata }: KubeObject): string | undefined {
  return metadata.uid;
}

/** Where an object is found by who speaks of it. */
function placeOf({ metadata: { namespace, uid } }: KubeObject): string {
  return subjectKey(namespace, uid);
}

/** Nothing where it says itself that it is about another namespace. */
function subjectOfEvent({ metadata: { namespace }, involvedObject: about }: ObjectEvent): string | undefined {
  return (about.namespace ?? namespace) === namespace ? subjectKey(namespace, about.uid) : undefined;
}

function subjectOfWorkload(workload: Workload): string {
  return subjectKey(workload.metadata.namespace, controllerUid(workload));
}
