import { once } from 'node:events';
import { FIELD_OWNER } from './api/labels.ts';
import { addGauges, createInstruments, type Instruments } from './instruments.ts';
import { type KubeClient, openClient } from './kube/client.ts';
import { createRecorder } from './kube/events.ts';
import { acquireLease } from './kube/lease.ts';
import { createQueue, type WorkQueue } from './kube/queue.ts';
import { createBackoff } from './kube/rate-limit.ts';
import type { Reflector } from './kube/reflector.ts';
import { openProgressEndpoint, type ProgressEndpoint } from './progress/endpoint.ts';
import { createInbox, type Inbox } from './progress/inbox.ts';
import { startController } from './reconcile/controller.ts';
import { resourceOfCurrentPod } from './reconcile/current-pod.ts';
import { createSources, type Sources } from './reconcile/sources.ts';
import { startWatches } from './reconcile/watches.ts';
import type { Settings } from './settings.ts';
import { createHealthServer } from './telemetry/health.ts';
import type { Log } from './telemetry/log.ts';

/** Every resource is looked at again after this time, whatever the watches say. */
const RESYNC_MS = 600_000;
/** A watch that has heard nothing for this long will not recover by itself. */
const ILL_MS = 600_000;
const DRAIN_MS = 10_000;
const LEASE = 'dualparal-operator';
const SECRET = 'dualparal-operator-progress';

/** The parts that live as long as the process. */
interface Parts {
  readonly settings: Settings;
  readonly log: Log;
  readonly instruments: Instruments;
  readonly client: KubeClient;
  readonly queue: WorkQueue;
  readonly inbox: Inbox;
  readonly sources: Sources;
  readonly watches: ReadonlyMap<string, Reflector>;
  /** Whether this replica holds the lease. */
  leading: boolean;
}

/**
 * Runs the operator until it is told to stop, or until it has lost its lease. Order of the start: caches, health, progress
 * endpoint, lease, workers; the stop goes the other way round and frees the lease for the next replica.
 */
export async function runOperator(settings: Settings, log: Log, stop: AbortSignal): Promise<'stopped' | 'lost'> {
  const parts = startParts(settings, log);
  const health = await openHealth(parts);
  let endpoint: ProgressEndpoint | undefined;
  try {
    endpoint = await openEndpoint(parts);
    await unlessStopped(Promise.all([...parts.watches.values()].map((watch) => watch.synced)), stop);
    log.info({ part: 'caches' }, 'caches are filled');
    return await leadAndWork(parts, endpoint.authority, stop);
  } catch (error) {
    if (stop.aborted) return 'stopped';
    throw error;
  } finally {
    await Promise.all([...parts.watches.values()].map((watch) => watch.stop()));
    endpoint?.close();
    health.close();
    health.closeAllConnections();
    await parts.client.close();
  }
}

function startParts(settings: Settings, log: Log): Parts {
  const instruments = createInstruments();
  const client = openClient({ observe: instruments.apiCall });
  const queue = createQueue(createBackoff());
  const inbox = createInbox({
    wake: (podUid) => {
      const key = resourceOfCurrentPod(sources, podUid);
      if (key !== undefined) queue.add(key);
    },
  });
  const sources: Sources = createSources({ wake: queue.add, podGone: inbox.forget, published: inbox.published });
  const watches = startWatches(sources, {
    client,
    namespace: settings.watchNamespace,
    report: (kind, failure) => {
      instruments.watchFailure(kind);
      log.warn({ watch: kind, detail: failure.message }, 'watch interrupted');
    },
  });
  const parts: Parts = { settings, log, instruments, client, queue, inbox, sources, watches, leading: false };
  addGauges(instruments, { queue, films: sources.films, inbox, watches, isLeading: () => parts.leading });
  return parts;
}

/** Waits for the lease, works until told to stop or until the lease is lost, then lets go in order. */
async function leadAndWork(parts: Parts, authority: string, stop: AbortSignal): Promise<'stopped' | 'lost'> {
  const { settings, log, client, queue, sources } = parts;
  const { namespace, identity } = settings;
  const report = (detail: string) => log.warn({ part: 'lease', detail }, 'lease not renewed');
  const lease = { client, namespace, name: LEASE, identity, report };
  const leadership = settings.leaderElection ? await acquireLease(lease, stop) : undefined;
  parts.leading = true;
  log.info({ part: 'lease' }, 'leading');
  const recorder = createRecorder({
    client,
    controller: FIELD_OWNER,
    instance: identity,
    report: (detail) => log.warn({ part: 'events', detail }, 'event not written'),
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
    },
    progressCa: authority,
    signal: working.signal,
    now: Date.now,
    observe: parts.instruments.round,
    report: (film, detail) => log.warn({ film, detail }, 'failed, will be tried again'),
  });
  const resync = setInterval(() => wakeAll(queue, sources), RESYNC_MS).unref();
  const lost = await stoppedOrLost(stop, leadership?.lost);
  clearInterval(resync);
  parts.leading = false;
  queue.shutDown();
  if (lost) working.abort();
  await Promise.race([controller.stopped, delay(DRAIN_MS)]);
  working.abort();
  await Promise.race([recorder.flush(), delay(DRAIN_MS)]);
  await leadership?.release();
  return lost ? 'lost' : 'stopped';
}

async function openHealth({ settings, instruments, watches }: Parts) {
  const server = createHealthServer({
    illness: () => illness(watches),
    unready: () =>
      [...watches.values()].every((watch) => watch.hasSynced()) ? undefined : 'caches are not filled yet',
    metrics: instruments.metrics.text,
  });
  server.listen(settings.healthPort);
  await once(server, 'listening');
  return server;
}

function openEndpoint(parts: Parts): Promise<ProgressEndpoint> {
  const { settings, client, inbox, sources, instruments, log } = parts;
  return openProgressEndpoint({
    client,
    inbox,
    url: settings.progressUrl,
    port: settings.progressPort,
    secret: { namespace: settings.namespace, name: SECRET },
    isCurrent: (podUid) => resourceOfCurrentPod(sources, podUid) !== undefined,
    isLeading: () => parts.leading,
    observe: instruments.progress,
    report: (detail) => log.warn({ part: 'progress', detail }, 'report not taken'),
  });
}

function illness(watches: ReadonlyMap<string, Reflector>): string | undefined {
  const [kind, watch] = [...watches].find(([, candidate]) => candidate.silentForMs() > ILL_MS) ?? [];
  return watch === undefined ? undefined : `nothing heard of ${kind} for ${Math.round(watch.silentForMs() / 1000)} s`;
}

function wakeAll(queue: WorkQueue, { films }: Sources): void {
  for (const { metadata } of films.list()) queue.add(`${metadata.namespace ?? ''}/${metadata.name}`);
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
