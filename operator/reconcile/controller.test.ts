import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { job } from '../../test/build/job.ts';
import { sourcesOf } from '../../test/build/observed.ts';
import { UID, videoGeneration } from '../../test/build/video-generation.ts';
import { type ReceivedCall, type ScriptedApiServer, startScriptedApiServer } from '../../test/double/api-server.ts';
import { type KubeClient, openPlainClient } from '../kube/client.ts';
import { createQueue, type WorkQueue } from '../kube/queue.ts';
import { createBackoff } from '../kube/rate-limit.ts';
import { type ControllerOptions, reconcile, startController } from './controller.ts';
import type { Sources } from './sources.ts';

const JOBS = '/apis/batch/v1/namespaces/films/jobs';
const MAPS = '/api/v1/namespaces/films/configmaps';
const STATUS = '/apis/dualparal.io/v1alpha1/namespaces/films/videogenerations/lighthouse/status';
const KEY = 'films/lighthouse';

let server: ScriptedApiServer;
let client: KubeClient;
let queue: WorkQueue;
let sources: Sources;
let reports: string[];
let events: string[];

beforeEach(async () => {
  server = await startScriptedApiServer();
  client = openPlainClient(server.origin);
  queue = createQueue(createBackoff());
  sources = sourcesOf({}, queue.add);
  reports = [];
  events = [];
  const withStatusOf = (call: ReceivedCall) => {
    const sent = call.body as { status: object };
    return {
      body: {
        ...videoGeneration(),
        metadata: { ...videoGeneration().metadata, resourceVersion: '2000' },
        status: sent.status,
      },
    };
  };
  server.on('PATCH', STATUS, withStatusOf);
  server.on('POST', JOBS, {
    status: 201,
    body: { ...job(1), metadata: { ...job(1).metadata, resourceVersion: '1500' } },
  });
  server.on('POST', MAPS, { status: 201, body: {} });
});
afterEach(async () => {
  queue.shutDown();
  await client.close();
  await server.close();
});

const options = (): ControllerOptions => ({
  client,
  sources,
  queue,
  recorder: { record: (_subject, note) => void events.push(note.reason), flush: () => Promise.resolve() },
  runner: { image: 'dualparal:test', imagePullPolicy: 'Never', progressUrl: 'https://operator.test/v1/progress' },
  progressCa: 'PEM',
  signal: new AbortController().signal,
  workers: 2,
  hostPathAllowed: false,
  now: () => Date.parse('2026-01-01T00:30:00Z'),
  observe: () => {},
  report: (key, message) => reports.push(`${key}: ${message}`),
});
const lines = () => server.calls.map((call) => `${call.method} ${call.path}`);

describe('one round', () => {
  it('creates the Job, then its frozen spec, then writes the status once', async () => {
    expect(await reconcile(KEY, options())).toEqual({ again: false });
    expect(lines()).toEqual([`POST ${JOBS}`, `POST ${MAPS}`, `PATCH ${STATUS}`]);
    expect(server.calls[1]?.body).toMatchObject({
      immutable: true,
      metadata: { ownerReferences: [{ kind: 'Job', uid: 'job-1' }] },
    });
    expect(server.calls[2]?.body).toMatchObject({ metadata: { uid: UID }, status: { phase: 'Queued' } });
    expect(events).toEqual(['JobStarted']);
  });

  it('knows afterwards what it wrote, before any watch tells', async () => {
    await reconcile(KEY, options());
    const calls = server.calls.length;
    await reconcile(KEY, options());
    expect(lines().slice(calls)).toEqual([]);
  });

  it('of a resource that is gone does nothing', async () => {
    expect(await reconcile('films/other', options())).toEqual({ again: false });
    expect(lines()).toEqual([]);
  });

  it('goes on from where an earlier one broke off', async () => {
    server.on('POST', MAPS, { status: 503, body: { message: 'etcd is away' } }, { status: 201, body: {} });
    expect(await reconcile(KEY, options())).toEqual({ again: true });
    expect(reports).toEqual([`${KEY}: POST ${MAPS} answered 503: etcd is away`]);
    server.on('POST', JOBS, { status: 409, body: { reason: 'AlreadyExists' } });
    server.on('GET', `${JOBS}/lighthouse-3f2a9c1b-1`, { body: job(1) });
    expect(await reconcile(KEY, options())).toEqual({ again: false });
    expect(lines().slice(2)).toEqual([
      `POST ${JOBS}`,
      `GET ${JOBS}/lighthouse-3f2a9c1b-1`,
      `POST ${MAPS}`,
      `PATCH ${STATUS}`,
    ]);
  });

  it('says in the status what the API server refused', async () => {
    server.on('POST', JOBS, { status: 403, body: { message: 'exceeded quota: gpus' } });
    expect(await reconcile(KEY, options())).toEqual({ again: false, afterMs: 30_000 });
    expect(server.calls.at(-1)?.body).toMatchObject({
      status: {
        reason: 'JobRefused',
        message: `the API server refused Job lighthouse-3f2a9c1b-1: POST ${JOBS} answered 403: exceeded quota: gpus`,
      },
    });
  });

  it('does not touch a Job of that name that belongs to somebody else', async () => {
    server.on('POST', JOBS, { status: 409, body: { reason: 'AlreadyExists' } });
    server.on('GET', `${JOBS}/lighthouse-3f2a9c1b-1`, {
      body: { ...job(1), metadata: { ...job(1).metadata, ownerReferences: [] } },
    });
    await reconcile(KEY, options());
    expect(lines()).not.toContain(`POST ${MAPS}`);
    expect(server.calls.at(-1)?.body).toMatchObject({ status: { reason: 'JobRefused' } });
  });

  it('leaves the status of a later resource of the same name alone', async () => {
    server.on('PATCH', STATUS, { status: 409, body: { reason: 'Conflict', message: 'Precondition failed: UID' } });
    expect(await reconcile(KEY, options())).toEqual({ again: false });
    expect(events).toEqual([]);
  });
});

describe('the controller', () => {
  it('tries a key again after a failure', async () => {
    const away = { status: 503, headers: { 'retry-after': '0.001' }, body: {} };
    server.on('PATCH', STATUS, away, away, away, away, { body: videoGeneration() });
    const controller = startController(options());
    queue.add(KEY);
    while (lines().filter((line) => line.startsWith('PATCH')).length < 5)
      await new Promise((resolve) => setTimeout(resolve, 2));
    queue.shutDown();
    await controller.stopped;
    expect(reports).toEqual([`${KEY}: PATCH ${STATUS} answered 503: no reason given`]);
  });
});
