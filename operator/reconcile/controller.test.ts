import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { job } from '../../test/build/job.ts';
import { sourcesOf } from '../../test/build/observed.ts';
import { pod, running } from '../../test/build/pod.ts';
import { UID, videoGeneration, withMetadata, withStatus } from '../../test/build/video-generation.ts';
import { type ReceivedCall, type ScriptedApiServer, startScriptedApiServer } from '../../test/double/api-server.ts';
import { type KubeClient, openPlainClient } from '../kube/client.ts';
import { createQueue, type WorkQueue } from '../kube/queue.ts';
import { createBackoff } from '../kube/rate-limit.ts';
import { type ControllerOptions, reconcile, startController } from './controller.ts';
import type { Sources } from './sources.ts';

const JOBS = '/apis/batch/v1/namespaces/films/jobs';
const MAPS = '/api/v1/namespaces/films/configmaps';
const STATUS = '/apis/dualparal.io/v1alpha1/namespaces/films/videogenerations/lighthouse/status';
const FILM = STATUS.replace('/status', '');
const PODS = '/api/v1/namespaces/films/pods';
const KEY = 'films/lighthouse';
/** What is read before anything that cannot be taken back. */
const READS = [`GET ${FILM}`, `GET ${JOBS}`, `GET ${PODS}`];

let server: ScriptedApiServer;
let client: KubeClient;
let queue: WorkQueue;
let sources: Sources;
let reports: string[];
let events: string[];
let news: string[];

/** What was sent, as the API server stores it. */
const stored = ({ body }: Pick<ReceivedCall, 'body'>) => {
  const object = body as { metadata: object };
  return { body: { ...object, metadata: { uid: 'made', ...object.metadata, resourceVersion: '9000' } } };
};

beforeEach(async () => {
  server = await startScriptedApiServer();
  client = openPlainClient(server.origin);
  queue = createQueue(createBackoff());
  sources = sourcesOf({}, queue.add);
  reports = [];
  events = [];
  news = [];
  let film = videoGeneration();
  let version = 2000;
  const withStatusOf = (call: ReceivedCall) => {
    const sent = call.body as { status: NonNullable<typeof film.status> };
    version += 1;
    film = { ...film, metadata: { ...film.metadata, resourceVersion: String(version) }, status: sent.status };
    return { body: film };
  };
  server.on('GET', FILM, () => ({ body: film }));
  server.on('GET', JOBS, { body: { items: [] } });
  server.on('GET', PODS, { body: { items: [] } });
  server.on('PATCH', STATUS, withStatusOf);
  server.on('POST', JOBS, {
    status: 201,
    body: { ...job(1), metadata: { ...job(1).metadata, resourceVersion: '1500' } },
  });
  server.on('POST', MAPS, stored);
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
  measure: () => {},
  count: () => {},
  spent: () => {},
  news: (key, { reason, attempt }) => news.push(`${key} ${attempt} ${reason}`),
  warn: (key, message) => reports.push(`${key}: ${message}`),
});
const lines = () => server.calls.map((call) => `${call.method} ${call.path}`);

describe('one round', () => {
  it('reads the resource, claims the attempt on that version of it with all that is to be said, makes Job and frozen spec', async () => {
    expect(await reconcile(KEY, options())).toEqual({ again: false });
    expect(lines()).toEqual([...READS, `PATCH ${STATUS}`, `POST ${JOBS}`, `POST ${MAPS}`]);
    expect(server.calls[3]?.body).toMatchObject({
      metadata: { uid: UID, resourceVersion: '10' },
      status: { phase: 'Queued', claim: { attempt: 1, generation: 1 }, startTime: '2026-01-01T00:30:00Z' },
    });
    expect(server.calls[5]?.body).toMatchObject({
      immutable: true,
      metadata: { ownerReferences: [{ kind: 'Job', uid: 'job-1' }] },
    });
    expect(events).toEqual(['JobStarted']);
    expect(news).toEqual([`${KEY} 1 JobStarted`]);
  });

  it('reads nothing of a film that nobody has touched since it was made: the claim proves that there is no Job of it', async () => {
    const film = videoGeneration();
    sources.resources.remove(film);
    sources.resources.created(film);
    expect(await reconcile(KEY, options())).toEqual({ again: false });
    expect(lines()).toEqual([`PATCH ${STATUS}`, `POST ${JOBS}`, `POST ${MAPS}`]);
    expect(server.calls[0]?.body).toMatchObject({ metadata: { uid: UID, resourceVersion: '10' } });
  });

  it('makes nothing where the claim on the first version of a film is refused, and reads when it comes again', async () => {
    const film = videoGeneration();
    sources.resources.remove(film);
    sources.resources.created(film);
    server.on('PATCH', STATUS, { status: 409, body: { kind: 'Status', code: 409, reason: 'Conflict' } });
    expect(await reconcile(KEY, options())).toEqual({ again: true });
    expect(lines()).toEqual([`PATCH ${STATUS}`]);
    sources.resources.upsert(videoGeneration(withMetadata({ resourceVersion: '11' })));
    await reconcile(KEY, options());
    expect(lines().slice(1, 4)).toEqual(READS);
  });

  it('knows afterwards what it wrote, before any watch tells', async () => {
    await reconcile(KEY, options());
    const calls = server.calls.length;
    await reconcile(KEY, options());
    expect(lines().slice(calls)).toEqual([]);
  });

  it('writes down which Job it made together with the next news of the film', async () => {
    await reconcile(KEY, options());
    const calls = server.calls.length;
    sources.pods.upsert(pod(1, running));
    server.on('GET', JOBS, { body: { items: [job(1)] } });
    await reconcile(KEY, options());
    expect(lines().slice(calls)).toEqual([`PATCH ${STATUS}`]);
    expect(server.calls.at(-1)?.body).toMatchObject({
      status: { phase: 'Running', claim: { attempt: 1, jobUid: 'job-1', frozen: true } },
    });
  });

  it('knows that the Job is gone that it made, although that was never written down', async () => {
    await reconcile(KEY, options());
    sources.jobs.replace([], '3000');
    const calls = server.calls.length;
    await reconcile(KEY, options());
    expect(new Set(lines().slice(calls, -1))).toEqual(new Set([...READS, `GET ${JOBS}/lighthouse-3f2a9c1b-1`]));
    expect(lines().at(-1)).toBe(`PATCH ${STATUS}`);
    expect(server.calls.at(-1)?.body).toMatchObject({
      status: { disruptions: 1, attempts: [{ number: 1, outcome: 'Disrupted', reason: 'JobGone' }] },
    });
  });

  it('asks and writes nothing of a film that another process has queued', async () => {
    await reconcile(KEY, options());
    const film = (server.calls.find(({ method }) => method === 'PATCH')?.body ?? {}) as { status: object };
    sources = sourcesOf({ film: videoGeneration(withStatus(film.status as never)), jobs: [job(1)] }, queue.add);
    const calls = server.calls.length;
    expect(await reconcile(KEY, options())).toEqual({ again: false });
    expect(lines().slice(calls)).toEqual([]);
  });

  it('finds a Job that neither the status nor a cache knows, and makes none beside it', async () => {
    server.on('GET', JOBS, { body: { items: [job(2)] } });
    await reconcile(KEY, options());
    expect(lines().filter((line) => line.startsWith('POST') && line.includes('jobs'))).toEqual([]);
    expect(server.calls.at(-1)?.body).toMatchObject({ status: { claim: { attempt: 2, jobUid: 'job-2' } } });
  });

  it('finds a known Job by its name where somebody has taken its labels off', async () => {
    await reconcile(KEY, options());
    sources.jobs.replace([], '3000');
    server.on('GET', `${JOBS}/lighthouse-3f2a9c1b-1`, { body: job(1) });
    const calls = server.calls.length;
    await reconcile(KEY, options());
    expect(lines().slice(calls, calls + 3)).toEqual([
      `GET ${FILM}`,
      `GET ${JOBS}`,
      `GET ${JOBS}/lighthouse-3f2a9c1b-1`,
    ]);
    expect(lines().slice(calls)).not.toContain(`POST ${JOBS}`);
  });

  it.each([
    ['a film', FILM, {}],
    ['a list of Jobs', JOBS, { message: 'please log in' }],
    ['a list of pods', PODS, { items: [{ kind: 'Pod' }] }],
    ['a list of pods, once more', PODS, { items: 'none' }],
  ])('takes no answer of somebody else for %s, and writes nothing', async (_what, path, body) => {
    server.on('GET', path, { body });
    await expect(reconcile(KEY, options())).rejects.toThrow(`${path}: the answer is no`);
    expect(lines().filter((line) => !line.startsWith('GET'))).toEqual([]);
  });

  it('looks by name for the Job of a film that is over, if nobody has seen its end and no cache shows it', async () => {
    const left = {
      number: 1,
      job: 'lighthouse-3f2a9c1b-1',
      generation: 1,
      pod: 'p',
      podUid: 'u',
      outcome: 'Running',
    } as const;
    const failed = { type: 'Failed', status: 'True', reason: 'FailuresExhausted', message: 'm' } as const;
    const dated = { observedGeneration: 1, lastTransitionTime: '2026-01-01T00:20:00Z' };
    const status = {
      ...{ observedGeneration: 1, phase: 'Failed', failures: 1, disruptions: 0, attempts: [left] },
      ...{ conditions: [{ ...failed, ...dated }], startTime: '2026-01-01T00:01:00Z' },
    } as const;
    const film = videoGeneration(withStatus(status as never));
    sources.resources.replace([film], '3000');
    server.on('GET', FILM, { body: film });
    server.on('GET', `${JOBS}/lighthouse-3f2a9c1b-1`, { body: job(1) });
    server.on('DELETE', `${JOBS}/lighthouse-3f2a9c1b-1`, { body: {} });
    await reconcile(KEY, options());
    expect(lines()).toContain(`DELETE ${JOBS}/lighthouse-3f2a9c1b-1`);
  });

  it('of a resource that is gone does nothing', async () => {
    expect(await reconcile('films/other', options())).toEqual({ again: false });
    expect(lines()).toEqual([]);
  });

  it('goes on from where an earlier one broke off', async () => {
    server.on('POST', MAPS, { status: 503, body: { message: 'etcd is away' } }, stored);
    expect(await reconcile(KEY, options())).toEqual({ again: true });
    expect(reports).toEqual([`${KEY}: POST ${MAPS} answered 503: etcd is away`]);
    server.on('GET', JOBS, { body: { items: [job(1)] } });
    const calls = server.calls.length;
    expect(await reconcile(KEY, options())).toEqual({ again: false });
    expect(lines().slice(calls)).toEqual([...READS, `GET ${MAPS}/lighthouse-3f2a9c1b-1`, `POST ${MAPS}`]);
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

  it('knows the Job that it made, also when its frozen spec was refused', async () => {
    server.on('POST', MAPS, { status: 409, body: { reason: 'AlreadyExists' } });
    server.on('GET', `${MAPS}/lighthouse-3f2a9c1b-1`, {
      body: {
        kind: 'ConfigMap',
        metadata: { name: 'lighthouse-3f2a9c1b-1', namespace: 'films', uid: 'm', resourceVersion: '7' },
      },
    });
    await reconcile(KEY, options());
    expect(server.calls.at(-1)?.body).toMatchObject({
      status: { reason: 'JobRefused', startTime: '2026-01-01T00:30:00Z', claim: { jobUid: 'job-1' } },
    });
  });

  it('leaves the status of a later resource of the same name alone', async () => {
    server.on('GET', FILM, { body: videoGeneration(withMetadata({ uid: 'later', resourceVersion: '3000' })) });
    expect(await reconcile(KEY, options())).toEqual({ again: false });
    expect(lines()).toEqual([`GET ${FILM}`]);
    expect(events).toEqual([]);
  });
});

describe('the controller', () => {
  it('tries a key again after a failure', async () => {
    const away = { status: 503, headers: { 'retry-after': '0.001' }, body: {} };
    server.on('PATCH', STATUS, away, away, away, away, (call) =>
      stored({ ...call, body: { ...videoGeneration(), status: (call.body as { status: object }).status } }),
    );
    const controller = startController(options());
    queue.add(KEY);
    while (lines().filter((line) => line.startsWith('PATCH')).length < 5)
      await new Promise((resolve) => setTimeout(resolve, 2));
    queue.shutDown();
    await controller.stopped;
    expect(reports).toEqual([`${KEY}: PATCH ${STATUS} answered 503: no reason given`]);
  });
});
