import { conditionIs, type Job, type ObjectEvent, type Pod } from '../api/kubernetes.ts';
import type { Why } from '../api/reasons.ts';
import { millisecondsOf } from '../api/time.ts';
import { compareVersions } from '../kube/cache.ts';
import type { KubeObject } from '../kube/resource.ts';
import { subjectKey } from './belongs.ts';
import { BY_SUBJECT, type Sources } from './sources.ts';

/*
 * What events complain of: pods that a Job cannot make, volumes that cannot be mounted, a frozen spec that is not there.
 */

/** Reasons of events about a pod's volumes. */
export const VOLUME_REASONS = ['FailedMount', 'FailedAttachVolume'] as const;
/** Reason of the event about a pod that a Job cannot make: quota, admission, no such service account. */
export const REFUSAL_REASON = 'FailedCreate';

export type EventSources = Pick<Sources, 'events' | 'complaints' | 'workloads'>;

/** Events about an object, of its own namespace. */
export function eventsAbout(
  { metadata: { namespace, uid } }: KubeObject,
  { events }: EventSources,
): readonly ObjectEvent[] {
  return events.by(BY_SUBJECT, subjectKey(namespace, uid));
}

/**
 * Why a Job cannot make its next pod; nothing if it has made one since. Each try has another pod name; without it, the same
 * reason reads the same.
 */
export function refusalOf(
  { metadata: { name } }: Job,
  events: readonly ObjectEvent[],
  pods: readonly Pod[],
): string | undefined {
  const found = latest(events, [REFUSAL_REASON]);
  const at = found === undefined ? 0 : happenedAt(found);
  const since = pods.some(({ metadata }) => millisecondsOf(metadata.creationTimestamp ?? '') >= at);
  return since ? undefined : found?.message?.replaceAll(new RegExp(`${name}-[a-z0-9]{5}\\b`, 'g'), `${name}-*`);
}

/**
 * What the kubelet says of a frozen spec that it does not find, since it was last looked into: somebody may have deleted
 * it. Gives the version of the event.
 */
export function newComplaint(job: Job, pods: readonly Pod[], sources: EventSources): string | undefined {
  const all = pods.flatMap((pod) => eventsAbout(pod, sources));
  const found = latest(
    all.filter((event) => isAboutFrozenSpec(event, job.metadata.name)),
    VOLUME_REASONS,
  );
  const version = found?.metadata.resourceVersion;
  const known = sources.complaints.get(job.metadata.uid ?? '') ?? '';
  return version !== undefined && compareVersions(version, known) > 0 ? version : undefined;
}

function isAboutFrozenSpec({ message = '' }: ObjectEvent, jobName: string): boolean {
  return new RegExp(`configmap.*"${jobName}(-[0-9a-f]{8})?" not found`, 'i').test(message);
}

/**
 * The last complaint about a pod's volumes. It is over once the pod's containers may start (from then on images are pulled),
 * and one about the frozen spec is answered by writing it, not by telling people.
 */
export function volumeTrouble(pod: Pod, jobName: string, sources: EventSources): Why | undefined {
  if (conditionIs(pod.status?.conditions, 'PodReadyToStartContainers', 'True')) return undefined;
  const events = eventsAbout(pod, sources);
  const found = latest(
    events.filter((event) => !isAboutFrozenSpec(event, jobName)),
    VOLUME_REASONS,
  );
  return found?.message === undefined ? undefined : { reason: found.reason ?? '', message: found.message };
}

/**
 * When an event happened last, to the second, as objects tell when they were made; versions of events say nothing of those of
 * other objects: a cluster may keep events in an etcd of their own.
 */
function happenedAt({ metadata, lastTimestamp, eventTime, series }: ObjectEvent): number {
  const times = [metadata.creationTimestamp, lastTimestamp, eventTime, series?.lastObservedTime];
  const known = times.map((time) => millisecondsOf(time ?? '')).filter((at) => !Number.isNaN(at));
  return Math.floor(Math.max(0, ...known) / 1000) * 1000;
}

/** The event of these reasons that was written last. */
function latest(events: readonly ObjectEvent[], reasons: readonly string[]): ObjectEvent | undefined {
  const version = ({ metadata }: ObjectEvent) => metadata.resourceVersion ?? '';
  return events
    .filter((event) => reasons.includes(event.reason ?? ''))
    .toSorted((a, b) => compareVersions(version(a), version(b)))
    .at(-1);
}
