import { once } from 'node:events';
import { defined } from './api/defined.ts';
import { FIELD_OWNER } from './api/labels.ts';
import { addGauges, createInstruments, type Instruments } from './instruments.ts';
import { type KubeClient, loadCredentials, openClient } from './kube/client.ts';
import { createRecorder } from './kube/events.ts';
import { createGate, type Gate } from './kube/gate.ts';
import { acquireLease } from './kube/lease.ts';
import { createQueue, type WorkQueue } from './kube/queue.ts';
import { createBackoff } from './kube/rate-limit.ts';
import type { Reflector } from './kube/reflector.ts';
import { createServerClock, type ServerClock } from './kube/server-clock.ts';
import { askDeletedFilms } from './progress/deleted-films.ts';
import { openProgressEndpoint, type ProgressEndpoint } from './progress/endpoint.ts';
import { createInbox, type Inbox } from './progress/inbox.ts';
import { startController } from './reconcile/controller.ts';
import { resourceOfCurrentPod } from './reconcile/current-pod.ts';
import { gpusHeld } from './reconcile/gpus-held.ts';
import { BY_UID, createSources, type Sources } from './reconcile/sources.ts';
import { startWatches, type WatchOptions, watchQueues } from './reconcile/watches.ts';
import { untilServed } from './served-resource.ts';
import type { Settings } from './settings.ts';
import { createHealthServer } from './telemetry/health.ts';
import type { Log } from './telemetry/log.ts';

/** Every resource is looked at again after this time, whatever the watches say. */
const RESYNC_MS = 600_000;
/** A watch that has heard nothing for this long will not recover by itself. */
const ILL_MS = 600_000;
/** Rounds under way may end, and events be written, for so long before the lease is let go: another waits for it. */
const DRAIN_MS = 1_500;
const FLUSH_MS = 500;
/** Connections of the pools that must not wait for others, and for which others must not wait. */
const LEASE_CONNECTIONS = 2;
const REVIEW_CONNECTIONS = 8;
const LEASE = 'dualparal-operator';
const SECRET = 'dualparal-operator-progress';

/** The parts that live as long as the process. */
interface Parts {
  readonly settings: Settings;
  readonly log: Log;
  readonly instruments: Instruments;
  /** Closed for good when this process may not speak for the operator any more. */
  readonly gate: Gate;
  /** For everything that has no client of its own; held back by the gate. */
  readonly client: KubeClient;
  readonly reviewClient: KubeClient;
  readonly leaseClient: KubeClient;
  /** What films are judged by; their Jobs and pods are dated by it. */
  readonly clock: ServerClock;
  readonly queue: WorkQueue;
  readonly inbox: Inbox;
  readonly sources: Sources;
  readonly watches: ReadonlyMap<string, Reflector>;
  /** Nothing waits for these. */
  readonly queueWatches: readonly Reflector[];
  /** Whether this replica holds the lease. */
  leading: boolean;
  /** Why the resource that the cluster serves is too old for this operator, as long as it waits for a newer one. */
  old?: string | undefined;
}

/**
 * Runs the operator until it is told to stop, or until it has lost its lease. Order of the start: caches, health, progress
 * endpoint, lease, workers; the stop goes the other way round and frees the lease for the next replica.
 */
export async function runOperator(settings: Settings, log: Log, stop: AbortSignal): Promise<'stopped' | 'lost'> {
  const parts = await startParts(settings, log);
  const health = await openHealth(parts);
  let endpoint: ProgressEndpoint | undefined;
  try {
    endpoint = await openEndpoint(parts);
    await unlessStopped(Promise.all([...parts.watches.values()].map((watch) => watch.synced)), stop);
    log.info({ part: 'caches' }, 'caches are filled');
    await untilServed({ client: parts.client, signal: stop, old: (sentence) => tellOld(parts, sentence) });
    parts.old = undefined;
    return await leadAndWork(parts, endpoint, stop);
  } catch (error) {
    if (stop.aborted) return 'stopped';
    throw error;
  } finally {
    await Promise.all([...parts.watches.values(), ...parts.queueWatches].map((watch) => watch.stop()));
    endpoint?.close();
    health.close();
    health.closeAllConnections();
    await Promise.all([parts.client, parts.reviewClient, parts.leaseClient].map((client) => client.close()));
  }
}

async function startParts(settings: Settings, log: Log): Promise<Parts> {
  const instruments = createInstruments();
  const gate = createGate();
  const measure = instruments.apiCall;
  const credentials = await loadCredentials();
  const clock = createServerClock();
  const client = openClient(credentials, { measure, clock, gate });
  const reviewClient = openClient(credentials, { measure, clock, gate, connections: REVIEW_CONNECTIONS });
  const leaseClient = openClient(credentials, { measure, clock, connections: LEASE_CONNECTIONS });
  const queue = createQueue(createBackoff(), undefined, instruments.waited);
  const inbox = createInbox({
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
  const watching: WatchOptions = {
    client,
    namespaces: settings.watchNamespaces,
    warn: (kind, failure, name) => {
      instruments.watchFailure(kind);
      log.warn({ watch: name, detail: failure.message }, 'watch interrupted');
    },
    restarted: instruments.watchRestart,
  };
  const watches = startWatches(sources, watching);
  const queueWatches = settings.kueue ? watchQueues(sources, watching) : [];
  const clients = { gate, client, reviewClient, leaseClient };
  const own = { clock, queue, inbox, sources, watches, queueWatches };
  const parts: Parts = { settings, log, instruments, ...clients, ...own, leading: false };
  const isLeading = () => parts.leading;
  const gpus = () => gpusHeld(sources);
  addGauges(instruments, { queue, resources: sources.resources, inbox, watches, gpusHeld: gpus, isLeading });
  return parts;
}

/** Waits for the lease, works until told to stop or until the lease is lost, then lets go in order. */
async function leadAndWork(parts: Parts, endpoint: ProgressEndpoint, stop: AbortSignal): Promise<'stopped' | 'lost'> {
  const { settings, log, gate, client, queue, sources } = parts;
  const { namespace, identity } = settings;
  const warn = (detail: string) => log.warn({ part: 'lease', detail }, 'lease not renewed');
  const lease = { client: parts.leaseClient, gate, namespace, name: LEASE, identity, warn };
  const leadership = settings.leaderElection ? await acquireLease(lease, stop) : undefined;
  parts.leading = true;
  parts.inbox.begin();
  log.info({ part: 'lease' }, 'leading');
  const recorder = createRecorder({
    client,
    controller: FIELD_OWNER,
    instance: identity,
    signal: gate.signal,
    warn: (detail) => log.warn({ part: 'events', detail }, 'event not written'),
  });
  const working = new AbortController();
  const controller = startController({
    client,
    sources,
    recorder,
    queue,
    workers: settings.workers,
    hostPathAllowed: settings.allowHostPath,
    runner: {
      image: settings.runnerImage,
      imagePullPolicy: settings.runnerPullPolicy,
      progressUrl: settings.progressUrl,
      defaults: settings.runnerDefaults,
    },
    // Asked for at each Job: a mounted one may have been renewed.
    get progressCa() {
      return endpoint.authority;
    },
    signal: working.signal,
    now: parts.clock.now,
    measure: parts.instruments.round,
    count: (what) => (what === 'JobStarted' ? parts.instruments.jobStarted() : parts.instruments.attemptEnded(what)),
    spent: parts.instruments.spent,
    // What befalls a film is news of the film, and no trouble of the operator's.
    news: (film, { reason, note, attempt }) =>
      log.info({ film, ...defined({ attempt }), reason, detail: note }, 'news'),
    warn: (film, detail) => log.warn({ film, detail }, 'failed, will be tried again'),
  });
  const resync = setInterval(() => wakeAll(queue, sources), RESYNC_MS).unref();
  const lost = await stoppedOrLost(stop, leadership?.lost);
  clearInterval(resync);
  parts.leading = false;
  queue.shutDown();
  if (lost) {
    // Nothing can be written any more, so there is nothing to wait for.
    working.abort();
    log.warn({ part: 'lease', detail: String((gate.signal.reason as Error).message) }, 'no longer leading');
    return 'lost';
  }
  await Promise.race([controller.stopped, delay(DRAIN_MS)]);
  working.abort();
  await Promise.race([recorder.flush(), delay(FLUSH_MS)]);
  await leadership?.release();
  gate.close('the operator was stopped');
  return 'stopped';
}

function tellOld(parts: Parts, sentence: string): void {
  parts.old = sentence;
  parts.log.warn({ part: 'resource', detail: sentence }, 'the resource that the cluster serves is too old');
}

async function openHealth(parts: Parts) {
  const { settings, instruments, watches } = parts;
  const isFilled = () => [...watches.values()].every((watch) => watch.hasSynced());
  const server = createHealthServer({
    illness: () => illness(watches),
    unready: () => (isFilled() ? parts.old : 'caches are not filled yet'),
    metrics: instruments.metrics.text,
  });
  server.listen(settings.healthPort);
  await once(server, 'listening');
  return server;
}

function openEndpoint(parts: Parts): Promise<ProgressEndpoint> {
  const { settings, client, reviewClient, inbox, sources, instruments, log } = parts;
  return openProgressEndpoint({
    client,
    reviewClient,
    inbox,
    url: settings.progressUrl,
    port: settings.progressPort,
    secret: { namespace: settings.namespace, name: SECRET },
    certificateFolder: settings.progressCertificate,
    podOf: (podUid) => currentPod(sources, podUid),
    isCurrent: (podUid) => resourceOfCurrentPod(sources, podUid) !== undefined,
    namespaceOf: (podUid) => currentPod(sources, podUid)?.namespace,
    deletedFilms: askDeletedFilms({ client, uidOf: (key) => sources.resources.get(key)?.metadata.uid }),
    isLeading: () => parts.leading,
    measure: instruments.progress,
    warn: (detail) => log.warn({ part: 'progress', detail }, 'report not taken'),
  });
}

/** The pod of this uid, if it is the one at work for its resource. */
function currentPod(
  sources: Sources,
  podUid: string,
): { readonly namespace: string; readonly name: string } | undefined {
  const [pod] = sources.pods.by(BY_UID, podUid);
  if (pod === undefined || resourceOfCurrentPod(sources, podUid) === undefined) return undefined;
  return { namespace: pod.metadata.namespace ?? '', name: pod.metadata.name };
}

function illness(watches: ReadonlyMap<string, Reflector>): string | undefined {
  const [kind, watch] = [...watches].find(([, candidate]) => candidate.silentForMs() > ILL_MS) ?? [];
  return watch === undefined ? undefined : `nothing heard of ${kind} for ${Math.round(watch.silentForMs() / 1000)} s`;
}

function wakeAll(queue: WorkQueue, { resources }: Sources): void {
  for (const { metadata } of resources.list()) queue.add(`${metadata.namespace ?? ''}/${metadata.name}`);
}

/** Waits for either; true if leadership was lost first. */
async function stoppedOrLost(stop: AbortSignal, lost: AbortSignal | undefined): Promise<boolean> {
  const any = AbortSignal.any(lost === undefined ? [stop] : [stop, lost]);
  if (!any.aborted) await once(any, 'abort');
  return lost?.aborted ?? false;
}

async function unlessStopped<T>(work: Promise<T>, stop: AbortSignal): Promise<T> {
  stop.throwIfAborted();
  const stopped = once(stop, 'abort').then(() => Promise.reject(new Error('stopped')));
  return Promise.race([work, stopped]);
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
