/** Everything that the API server stored, in its own order, and how things stand. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfigMap, Job, Pod } from '../../../operator/api/kubernetes.ts';
import { LABEL_RESOURCE, VIDEO_GENERATIONS } from '../../../operator/api/labels.ts';
import type { VideoGeneration } from '../../../operator/api/video-generation.ts';
import { compareVersions } from '../../../operator/kube/cache.ts';
import type { KubeClient } from '../../../operator/kube/client.ts';
import { failureOf } from '../../../operator/kube/failure.ts';
import {
  CONFIG_MAPS,
  JOBS,
  type KubeObject,
  PODS,
  pathOf,
  type ResourceType,
} from '../../../operator/kube/resource.ts';

interface Objects {
  readonly film: VideoGeneration;
  readonly job: Job;
  readonly pod: Pod;
  readonly map: ConfigMap;
}
type Kind = keyof Objects;
type Stored<K extends Kind> = { readonly kind: K; readonly object: Objects[K] };

/** One change, as it was stored. */
export type Change = {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** When it was heard of, in milliseconds. */
  readonly at: number;
} & (Stored<'film'> | Stored<'job'> | Stored<'pod'> | Stored<'map'>);

export interface History {
  /** Changes of one film and of what belongs to it, in the order of the API server. */
  of(film: string): readonly Change[];
  film(name: string): VideoGeneration | undefined;
  jobs(film?: string): readonly Job[];
  pods(film?: string): readonly Pod[];
  maps(): readonly ConfigMap[];
  /** How many changes of films there were. */
  readonly films: number;
  stop(): Promise<void>;
}

const TYPES: Readonly<Record<Kind, ResourceType>> = { film: VIDEO_GENERATIONS, job: JOBS, pod: PODS, map: CONFIG_MAPS };

/** Starts to follow a namespace that holds nothing yet. */
export async function followHistory(client: KubeClient, namespace: string): Promise<History> {
  const changes = new Map<string, Change[]>();
  const now: { [K in Kind]: Map<string, Objects[K]> } = {
    film: new Map(),
    job: new Map(),
    pod: new Map(),
    map: new Map(),
  };
  const stopping = new AbortController();
  let films = 0;
  const take = (change: Change) => {
    const { kind, object } = change;
    const { name, uid = '' } = object.metadata;
    const film = filmOf(kind, object);
    if (film === undefined) return;
    if (kind === 'film') films += 1;
    changes.set(film, [...(changes.get(film) ?? []), change]);
    const objects = now[kind] as Map<string, KubeObject>;
    const key = kind === 'film' ? name : uid;
    if (change.type === 'DELETED') objects.delete(key);
    else objects.set(key, object);
  };
  const { signal } = stopping;
  /** One watch: takes down what it says, and gives the last version that it has told of. */
  const watch = async (kind: Kind, from: { version: string }) => {
    const query = { watch: true, resourceVersion: from.version, allowWatchBookmarks: true };
    const path = pathOf(TYPES[kind], { namespace });
    for await (const line of client.lines({ method: 'GET', path, query, signal })) {
      const { type, object } = JSON.parse(line);
      from.version = object.metadata.resourceVersion;
      if (type !== 'BOOKMARK') take({ kind, type, object, at: performance.now() });
    }
  };
  const follow = async (kind: Kind, from: { version: string }) => {
    while (!signal.aborted) {
      await watch(kind, from).catch((error: unknown) => {
        if (failureOf(error).kind === 'expired') throw error;
      });
      await sleep(50);
    }
  };
  const kinds = Object.keys(TYPES) as Kind[];
  const following = await Promise.all(
    kinds.map(async (kind) => {
      const list = await client.call<KubeObject>({ method: 'GET', path: pathOf(TYPES[kind], { namespace }) });
      return { kind, version: list.metadata.resourceVersion ?? '' };
    }),
  );
  const running = Promise.all(following.map(({ kind, version }) => follow(kind, { version })));
  const belonging = <T extends KubeObject>(objects: Map<string, T>, film: string | undefined) =>
    [...objects.values()].filter((object) => film === undefined || labelled(object) === film);
  return {
    of: (film) =>
      (changes.get(film) ?? []).toSorted((a, b) =>
        compareVersions(a.object.metadata.resourceVersion ?? '', b.object.metadata.resourceVersion ?? ''),
      ),
    film: (name) => now.film.get(name),
    jobs: (film) => belonging(now.job, film),
    pods: (film) => belonging(now.pod, film),
    maps: () => [...now.map.values()],
    get films() {
      return films;
    },
    async stop() {
      stopping.abort();
      await running.catch(() => {});
    },
  };
}

function filmOf(kind: Kind, object: KubeObject): string | undefined {
  if (kind === 'film') return object.metadata.name;
  return (
    labelled(object) ??
    (kind === 'map' ? /^(.*)-[0-9a-f]{8}-\d+-[0-9a-f]{8}$/.exec(object.metadata.name)?.[1] : undefined)
  );
}

function labelled({ metadata }: KubeObject): string | undefined {
  return (metadata as { labels?: Readonly<Record<string, string>> }).labels?.[LABEL_RESOURCE];
}
