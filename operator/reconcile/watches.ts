import type { Job, ObjectEvent, Pod } from '../api/kubernetes.ts';
import { LABEL_RESOURCE } from '../api/labels.ts';
import type { VideoGeneration } from '../api/video-generation.ts';
import { isChildName } from '../job/names.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Failure } from '../kube/failure.ts';
import { type Reflector, startReflector } from '../kube/reflector.ts';
import { CORE_EVENTS, JOBS, PODS } from '../kube/resource.ts';
import { REFUSAL_REASON, VOLUME_REASONS } from './observe.ts';
import type { Sources } from './sources.ts';
import { FILMS } from './write-status.ts';

export interface WatchOptions {
  readonly client: KubeClient;
  /** Undefined for all namespaces. */
  readonly namespace: string | undefined;
  readonly report: (kind: string, failure: Failure) => void;
}

/** Starts the reflectors that fill the caches; each by its name. */
export function startWatches(
  sources: Sources,
  { client, namespace, report }: WatchOptions,
): ReadonlyMap<string, Reflector> {
  const common = (kind: string) => ({ client, namespace, report: (failure: Failure) => report(kind, failure) });
  const ours = { labelSelector: LABEL_RESOURCE };
  const events = (reason: string, kind: string) =>
    [
      `events ${reason}`,
      startReflector<ObjectEvent>({
        ...common(`events ${reason}`),
        resource: CORE_EVENTS,
        fieldSelector: `involvedObject.kind=${kind},reason=${reason}`,
        cache: sources.events,
        keep: keptEvent,
      }),
    ] as const;
  return new Map<string, Reflector>([
    [
      'videogenerations',
      startReflector<VideoGeneration>({ ...common('videogenerations'), resource: FILMS, cache: sources.films }),
    ],
    ['jobs', startReflector<Job>({ ...common('jobs'), ...ours, resource: JOBS, cache: sources.jobs })],
    ['pods', startReflector<Pod>({ ...common('pods'), ...ours, resource: PODS, cache: sources.pods })],
    ...VOLUME_REASONS.map((reason) => events(reason, 'Pod')),
    events(REFUSAL_REASON, 'Job'),
  ]);
}

/** Of all events only those about our Jobs and pods, and of them only what a reader needs. */
function keptEvent({ metadata, involvedObject, reason, message }: ObjectEvent): ObjectEvent | undefined {
  if (!isChildName(involvedObject.name ?? '')) return undefined;
  return {
    metadata,
    involvedObject,
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  };
}
