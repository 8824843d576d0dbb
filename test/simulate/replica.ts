import { LABEL_RESOURCE } from '../../operator/api/labels.ts';
import type { VideoGenerationStatus } from '../../operator/api/status.ts';
import type { Cache } from '../../operator/kube/cache.ts';
import type { Call } from '../../operator/kube/client.ts';
import type { WorkQueue } from '../../operator/kube/queue.ts';
import { createQueue } from '../../operator/kube/queue.ts';
import { createBackoff } from '../../operator/kube/rate-limit.ts';
import { createInbox } from '../../operator/progress/inbox.ts';
import { startController } from '../../operator/reconcile/controller.ts';
import { resourceOfCurrentPod } from '../../operator/reconcile/current-pod.ts';
import { decide } from '../../operator/reconcile/decide.ts';
import { observe } from '../../operator/reconcile/observe.ts';
import { createSources, type Sources } from '../../operator/reconcile/sources.ts';
import { progressRecord } from '../build/observed.ts';
import type { Dice } from '../faults/dice.ts';
import type { Mix } from './mixes.ts';
import type { Plural, StandInApiServer, Stored } from './stand-in-api-server.ts';
import { createStandInClient } from './stand-in-client.ts';
import { createStandInWatch, type StandInWatch } from './stand-in-watch.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A process of the operator: its caches, and, while it leads, its worker. */
export interface Replica {
  readonly name: string;
  readonly sources: Sources;
  /** Lists every kind, each at a moment of its own; resolves when all are in the caches. */
  fill(): Promise<void>;
  /** Starts to work. */
  lead(): void;
  /** Ends as on SIGTERM: the round under way may end, within its time. */
  stop(): void;
  /** Ends at once. */
  kill(): void;
  isOver(): boolean;
  /** Something of a kind was written. */
  poke(plural: Plural): void;
  /** A runner reports; gives the film that the report was taken for. */
  report(pod: Stored, sequence: number, share: number): string | undefined;
  /** Looks at every film again. */
  resync(): void;
  /** Decides about a film twice from the same, and about what comes of it; says what differs. */
  decideTwice(key: string): string | undefined;
}

export interface ReplicaOptions {
  readonly name: string;
  readonly server: StandInApiServer;
  readonly time: VirtualTime;
  readonly dice: Dice;
  readonly mix: () => Mix;
  /** Has the API server answer a request of this replica. */
  readonly land: (call: Call, sentAt: number, askedAt: number) => unknown;
  readonly roundOver: (key: string) => void;
  readonly trace: (line: () => string) => void;
}

/** Without a reason of its own, each abort would make one, with its stack. */
const OVER = 'over';
const DRAIN_MS = 1_500;
const KINDS = ['videogenerations', 'jobs', 'pods', 'events'] as const;
const CACHE_OF = { videogenerations: 'resources', jobs: 'jobs', pods: 'pods', events: 'events' } as const;

/** Starts a process of the operator's own code over the stand-ins. */
export function createReplica(options: ReplicaOptions): Replica {
  const { name, server, time, dice, mix, land, roundOver } = options;
  const trace = (line: () => string) => options.trace(() => `${name}: ${line()}`);
  let open = true;
  const queue = createQueue(createBackoff(undefined, time.now), time);
  const inbox = createInbox({
    nowMs: time.now,
    after: time.after,
    wake: (podUid) => {
      const key = resourceOfCurrentPod(sources, podUid);
      if (key !== undefined) queue.add(key);
    },
  });
  const sources: Sources = createSources({
    wake: queue.add,
    podGone: inbox.forget,
    published: inbox.published,
    hearing: inbox.hearing,
  });
  const watches = new Map<Plural, StandInWatch>();
  const client = createStandInClient({ time, dice, mix, land, isOpen: () => open, trace });
  const working = new AbortController();
  const end = () => {
    open = false;
    working.abort(OVER);
    for (const watch of watches.values()) watch.stop();
  };
  return {
    name,
    sources,
    async fill() {
      const kinds = KINDS.map(async (plural) => {
        await time.sleep(dice.between(10, mix().longLagMs / 10));
        if (!open) return;
        const feed = (sources[CACHE_OF[plural]] as unknown as Cache<Stored>).feed();
        const labelled = plural === 'jobs' || plural === 'pods';
        const selects = ({ metadata }: Stored) => !labelled || metadata.labels?.[LABEL_RESOURCE] !== undefined;
        const watch = createStandInWatch({ plural, server, time, dice, mix, feed, selects, trace });
        watches.set(plural, watch);
        watch.list();
      });
      await Promise.all(kinds);
    },
    lead() {
      trace(() => 'leads');
      inbox.begin();
      startController({
        client,
        sources,
        queue: noticing(queue, roundOver),
        recorder: { record: () => {}, flush: async () => {} },
        runner: { image: 'dualparal:test', imagePullPolicy: 'Never', progressUrl: 'https://operator.test/v1/progress' },
        progressCa: 'PEM',
        signal: working.signal,
        workers: 1,
        hostPathAllowed: false,
        now: time.now,
        measure: () => {},
        count: () => {},
        spent: () => {},
        news: () => {},
        warn: (key, message) => trace(() => `${key}: ${message}`),
      });
    },
    stop() {
      trace(() => 'stops');
      queue.shutDown();
      time.after(DRAIN_MS, end);
    },
    kill() {
      trace(() => 'is killed');
      queue.shutDown();
      end();
    },
    isOver: () => !open,
    poke: (plural) => watches.get(plural)?.poke(),
    report(pod, sequence, share) {
      const uid = pod.metadata.uid ?? '';
      const key = resourceOfCurrentPod(sources, uid);
      if (key !== undefined) inbox.receive(uid, recordOf(uid, sequence, share));
      return key;
    },
    resync() {
      for (const { metadata } of sources.resources.list()) queue.add(`${metadata.namespace}/${metadata.name}`);
    },
    decideTwice: (key) => decideTwice(key, sources, time.now()),
  };
}

function noticing(queue: WorkQueue, roundOver: (key: string) => void): WorkQueue {
  return {
    ...queue,
    get depth() {
      return queue.depth;
    },
    done(key) {
      roundOver(key);
      queue.done(key);
    },
  };
}

/** A runner goes on, or not, and makes checkpoints: what its uid says, since the same is told again after a report that was lost. */
function checkpointsOf(uid: string, share: number) {
  const kind = [...uid].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % 4;
  const from = [undefined, 0, 10, 20][kind];
  if (from === undefined) return {};
  const at = (iteration: number) => ({
    iteration,
    time: new Date(Date.UTC(2026, 0, 1) + 1000 * iteration).toISOString(),
  });
  const iteration = from + Math.floor(20 * share);
  return {
    resumedFrom: from === 0 ? { iteration: 0 } : at(from),
    ...(iteration === 0 ? {} : { checkpoint: { ...at(iteration), bytes: 9, location: '/output/x' } }),
    ...(kind === 3 && share < 1 ? { checkpointFailure: 'no space is left' } : {}),
  };
}

function recordOf(uid: string, sequence: number, share: number) {
  const blockSteps = Math.floor(100 * share);
  const framesReady = Math.floor(81 * share);
  return progressRecord({
    sequence,
    percent: 97 * share,
    blockSteps,
    framesReady,
    blocksFinished: Math.floor(3 * share),
    ...checkpointsOf(uid, share),
  });
}

/** The same twice gives the same; and once a status is written, nothing of it is to be said again. */
function decideTwice(key: string, sources: Sources, now: number): string | undefined {
  const observed = observe(key, sources, false);
  if (observed === undefined) return undefined;
  const first = decide(observed, now);
  const again = decide(observed, now);
  if (JSON.stringify([first.status, first.actions]) !== JSON.stringify([again.status, again.actions]))
    return 'the same observation gives two decisions';
  if (first.actions.length > 0 || first.read || first.status === undefined) return undefined;
  const written = JSON.parse(JSON.stringify(first.status)) as VideoGenerationStatus;
  const next = decide({ ...observed, status: written }, now);
  const same = JSON.stringify(next.status) === JSON.stringify(first.status) && next.actions.length === 0;
  return same
    ? undefined
    : `deciding again from what was written gives ${next.verdict.outcome} after ${first.verdict.outcome}`;
}
