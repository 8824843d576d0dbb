import { once } from 'node:events';
import type { Server } from 'node:http';
import { FIELD_OWNER } from './api/labels.ts';
import { addGauges, createInstruments } from './instruments.ts';
import { openClient } from './kube/client.ts';
import { createRecorder } from './kube/events.ts';
import { acquireLease, type Leadership } from './kube/lease.ts';
import { createQueue, type WorkQueue } from './kube/queue.ts';
import { createBackoff } from './kube/rate-limit.ts';
import type { Reflector } from './kube/reflector.ts';
import { createAuthenticate } from './progress/authenticate.ts';
import { keptAuthority } from './progress/authority.ts';
import { createServerCertificate } from './progress/certificate.ts';
import { createInbox } from './progress/inbox.ts';
import { createProgressServer } from './progress/server.ts';
import { startController } from './reconcile/controller.ts';
import { resourceOfCurrentPod } from './reconcile/current-pod.ts';
import { createSources, type Sources } from './reconcile/sources.ts';
import { startWatches } from './reconcile/watches.ts';
import type { Settings } from './settings.ts';
import { createHealthServer } from './telemetry/health.ts';
import type { Log } from './telemetry/log.ts';

/** Every resource is looked at again after this time, whatever the watches say. */
const RESYNC_MS = 600_000;
/** The server's certificate is made anew long before it ends. */
const CERTIFICATE_MS = 86_400_000;
/** A watch that has heard nothing for this long will not recover by itself. */
const ILL_MS = 600_000;
const DRAIN_MS = 10_000;
const LEASE = 'dualparal-operator';
const SECRET = 'dualparal-operator-progress';

/**
 * Runs the operator until it is told to stop, or until it has lost its lease. Order of the start: health, caches, progress
 * endpoint, lease, workers; of the stop: the other way round, and the lease is freed for the next replica.
 */
export async function runOperator(settings: Settings, log: Log, stop: AbortSignal): Promise<'stopped' | 'lost'> {
  const instruments = createInstruments();
  const client = openClient({ observe: instruments.apiCall });
  const queue = createQueue(createBackoff());
  const working = new AbortController();
  let leading = false;

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
  addGauges(instruments, { queue, films: sources.films, inbox, watches, isLeading: () => leading });
  const health = createHealthServer({
    illness: () => illness(watches),
    unready: () =>
      [...watches.values()].every((watch) => watch.hasSynced()) ? undefined : 'caches are not filled yet',
    metrics: instruments.metrics.text,
  });
  await listen(health, settings.healthPort);

  const authority = await keptAuthority(client, { namespace: settings.namespace, name: SECRET }, new Date());
  const host = new URL(settings.progressUrl).hostname.replace(/^\[|\]$/g, '');
  const serverCertificate = () => createServerCertificate(authority, host, new Date());
  const progress = createProgressServer(serverCertificate(), {
    authenticate: createAuthenticate(client),
    inbox,
    isCurrent: (podUid) => resourceOfCurrentPod(sources, podUid) !== undefined,
    isLeading: () => leading,
    observe: instruments.progress,
    report: (detail) => log.warn({ part: 'progress', detail }, 'report not taken'),
  });
  await listen(progress, settings.progressPort);
  const renewal = setInterval(() => progress.setSecureContext(serverCertificate()), CERTIFICATE_MS).unref();
  const resync = setInterval(() => wakeAll(queue, sources), RESYNC_MS).unref();

  const close = async () => {
    clearInterval(renewal);
    clearInterval(resync);
    await Promise.all([...watches.values()].map((watch) => watch.stop()));
    for (const server of [progress, health]) {
      server.close();
      server.closeAllConnections();
    }
    await client.close();
  };

  try {
    await untilStopped(Promise.all([...watches.values()].map((watch) => watch.synced)), stop);
    log.info({ part: 'caches' }, 'caches are filled');
    const leadership = settings.leaderElection ? await lead(settings, client, log, stop) : undefined;
    leading = true;
    log.info({ part: 'lease' }, 'leading');
    const recorder = createRecorder({
      client,
      controller: FIELD_OWNER,
      instance: settings.identity,
      report: (detail) => log.warn({ part: 'events', detail }, 'event not written'),
    });
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
      progressCa: authority.cert,
      signal: working.signal,
      now: Date.now,
      observe: instruments.round,
      report: (film, detail) => log.warn({ film, detail }, 'comes back later'),
    });
    const lost = await firstOf(stop, leadership?.lost);
    leading = false;
    queue.shutDown();
    if (lost) working.abort();
    await Promise.race([controller.stopped, delay(DRAIN_MS)]);
    working.abort();
    await Promise.race([recorder.flush(), delay(DRAIN_MS)]);
    await leadership?.release();
    return lost ? 'lost' : 'stopped';
  } catch (error) {
    if (stop.aborted) return 'stopped';
    throw error;
  } finally {
    await close();
  }
}

function lead(
  settings: Settings,
  client: Parameters<typeof acquireLease>[0]['client'],
  log: Log,
  stop: AbortSignal,
): Promise<Leadership> {
  const { namespace, identity } = settings;
  const report = (detail: string) => log.warn({ part: 'lease', detail }, 'lease not renewed');
  return acquireLease({ client, namespace, name: LEASE, identity, report }, stop);
}

function illness(watches: ReadonlyMap<string, Reflector>): string | undefined {
  for (const [kind, watch] of watches) {
    if (watch.silentForMs() > ILL_MS) return `nothing heard of ${kind} for ${Math.round(watch.silentForMs() / 1000)} s`;
  }
  return undefined;
}

function wakeAll(queue: WorkQueue, { films }: Sources): void {
  for (const { metadata } of films.list()) queue.add(`${metadata.namespace ?? ''}/${metadata.name}`);
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port);
  await once(server, 'listening');
}

/** Waits for either; true if leadership was lost first. */
async function firstOf(stop: AbortSignal, lost: AbortSignal | undefined): Promise<boolean> {
  const signals = lost === undefined ? [stop] : [stop, lost];
  const any = AbortSignal.any(signals);
  if (!any.aborted) await once(any, 'abort');
  return lost?.aborted ?? false;
}

async function untilStopped<T>(work: Promise<T>, stop: AbortSignal): Promise<T> {
  const stopped = once(stop, 'abort').then(() => Promise.reject(new Error('stopped')));
  stop.throwIfAborted();
  return Promise.race([work, stopped]);
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
