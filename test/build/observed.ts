import type { Job, ObjectEvent, Pod, Workload } from '../../operator/api/kubernetes.ts';
import type { VideoGeneration } from '../../operator/api/video-generation.ts';
import { observe } from '../../operator/reconcile/observe.ts';
import type { Observed } from '../../operator/reconcile/observed.ts';
import { createSources, type Sources } from '../../operator/reconcile/sources.ts';
import type { Progress } from '../../runner/contract/progress.ts';
import { videoGeneration } from './video-generation.ts';

export interface Cluster {
  readonly film?: VideoGeneration;
  readonly jobs?: readonly Job[];
  readonly pods?: readonly Pod[];
  readonly events?: readonly ObjectEvent[];
  readonly workloads?: readonly Workload[];
  readonly reports?: Readonly<Record<string, Progress>>;
  /** Uids of Jobs whose frozen spec was written. */
  readonly frozen?: readonly string[];
  /** Uids of Jobs whose frozen spec is known to be missing. */
  readonly missing?: readonly string[];
  /** For how long nothing was heard of the pod. */
  readonly silentMs?: number;
  /** Read from the API server itself: what is missing is gone. */
  readonly live?: boolean;
}

/** Filled caches, as after a first list. */
export function sourcesOf(cluster: Cluster, wake: (key: string) => void = () => {}): Sources {
  const sources = createSources({
    wake,
    podGone: () => {},
    published: (uid) => cluster.reports?.[uid],
    hearing: () => ({ silentMs: cluster.silentMs ?? 0, listeningMs: 3_600_000 }),
  });
  sources.resources.replace([cluster.film ?? videoGeneration()], '1000');
  sources.jobs.replace(cluster.jobs ?? [], '1000');
  sources.pods.replace(cluster.pods ?? [], '1000');
  sources.events.replace(cluster.events ?? [], '1000');
  sources.workloads.replace(cluster.workloads ?? [], '1000');
  for (const uid of cluster.frozen ?? []) sources.frozen.set(uid, true);
  for (const uid of cluster.missing ?? []) sources.frozen.set(uid, false);
  return sources;
}

/** What an observation of that cluster gives. */
export function observed(cluster: Cluster, hostPathAllowed = false): Observed {
  const found = observe('films/lighthouse', sourcesOf(cluster), hostPathAllowed);
  if (found === undefined) throw new Error('no such resource');
  return { ...found, live: cluster.live ?? false };
}

/** A record of progress in the middle of a run. */
export function progressRecord(fields: Partial<Progress> = {}): Progress {
  return {
    contractVersion: 1,
    sequence: 7,
    time: '2026-01-01T00:10:00.500Z',
    phase: 'Denoising',
    percent: 37.9,
    iteration: 20,
    iterations: 60,
    blockSteps: 38,
    blockStepsTotal: 100,
    blocksFinished: 0,
    blocks: 3,
    framesReady: 0,
    framesTotal: 81,
    blockStepsPerSecond: 0.5,
    etaSeconds: 124.3,
    ...fields,
  };
}
