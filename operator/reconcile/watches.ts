import { defined } from '../api/defined.ts';
import type { Job, ObjectEvent, Pod, Workload } from '../api/kubernetes.ts';
import { LABEL_RESOURCE, VIDEO_GENERATIONS } from '../api/labels.ts';
import type { VideoGeneration } from '../api/video-generation.ts';
import { isChildName } from '../job/names.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Failure } from '../kube/failure.ts';
import { type Reflector, type ReflectorOptions, startReflector } from '../kube/reflector.ts';
import { CORE_EVENTS, controllerOf, JOBS, PODS, WORKLOADS } from '../kube/resource.ts';
import { REFUSAL_REASON, VOLUME_REASONS } from './complaints.ts';
import type { Sources } from './sources.ts';

export interface WatchOptions {
  readonly client: KubeClient;
  /** Namespaces that are looked after; none for all of them. */
  readonly namespaces: readonly string[];
  /** `kind` is what is watched, `name` also says where. */
  readonly warn: (kind: string, failure: Failure, name: string) => void;
  /** Told of every watch of a kind after its first. */
  readonly restarted: (kind: string) => void;
}

/** Starts the reflectors that fill the caches, for each namespace its own; each by what it watches, and where. */
export function startWatches(
  sources: Sources,
  { client, namespaces, warn, restarted }: WatchOptions,
): ReadonlyMap<string, Reflector> {
  const places: readonly (string | undefined)[] = namespaces.length === 0 ? [undefined] : namespaces;
  return new Map(
    places.flatMap((namespace) => {
      const name = (kind: string) => (namespace === undefined ? kind : `${kind} in ${namespace}`);
      const common = (kind: string) => ({
        client,
        namespace,
        warn: (failure: Failure) => warn(kind, failure, name(kind)),
        restarted: () => restarted(kind),
      });
      return watchesOf(sources, common).map(([kind, watch]) => [name(kind), watch] as const);
    }),
  );
}

/** The reflectors of one place, each with the kind that it watches. */
function watchesOf(
  sources: Sources,
  common: (kind: string) => Pick<ReflectorOptions<never>, 'client' | 'namespace' | 'restarted' | 'warn'>,
): readonly (readonly [string, Reflector])[] {
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
  return [
    [
      'videogenerations',
      startReflector<VideoGeneration>({
        ...common('videogenerations'),
        resource: VIDEO_GENERATIONS,
        cache: sources.resources,
      }),
    ],
    ['jobs', startReflector<Job>({ ...common('jobs'), ...ours, resource: JOBS, cache: sources.jobs })],
    ['pods', startReflector<Pod>({ ...common('pods'), ...ours, resource: PODS, cache: sources.pods })],
    ...VOLUME_REASONS.map((reason) => events(reason, 'Pod')),
    events(REFUSAL_REASON, 'Job'),
  ];
}

/**
 * Follows what Kueue says of Jobs that wait in its queues. Nothing waits for it: a cluster without Kueue has no such objects, and it asks
 * again at growing intervals.
 */
export function watchQueues(sources: Sources, { client, namespaces, warn }: WatchOptions): readonly Reflector[] {
  const places: readonly (string | undefined)[] = namespaces.length === 0 ? [undefined] : namespaces;
  return places.map((namespace) =>
    startReflector<Workload>({
      client,
      namespace,
      warn: (failure) => warn('workloads', failure, `workloads${namespace === undefined ? '' : ` in ${namespace}`}`),
      resource: WORKLOADS,
      cache: sources.workloads,
      keep: keptWorkload,
    }),
  );
}

function keptWorkload({ metadata, status }: Workload): Workload | undefined {
  const owner = controllerOf({ metadata });
  if (owner?.kind !== 'Job' || !isChildName(owner.name)) return undefined;
  return { metadata, status: { conditions: status?.conditions ?? [] } };
}

/** Of all events only those about our Jobs and pods, and of them only what a reader needs. */
function keptEvent(event: ObjectEvent): ObjectEvent | undefined {
  const { metadata, involvedObject, reason, message, lastTimestamp, eventTime, series } = event;
  if (!isChildName(involvedObject.name ?? '')) return undefined;
  const kept = { metadata, involvedObject, reason, message, lastTimestamp, eventTime, series };
  return defined(kept);
}
