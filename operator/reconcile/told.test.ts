import { afterEach, beforeEach, expect, test } from 'vitest';
import { job } from '../../test/build/job.ts';
import { observed, sourcesOf } from '../../test/build/observed.ts';
import { roundOptions } from '../../test/build/round.ts';
import { videoGeneration, withMetadata, withSpec, withStatus } from '../../test/build/video-generation.ts';
import { type ReceivedCall, type ScriptedApiServer, startScriptedApiServer } from '../../test/double/api-server.ts';
import { type KubeClient, openPlainClient } from '../kube/client.ts';
import { type ControllerOptions, reconcile } from './controller.ts';
import { decide } from './decide.ts';
import { settle } from './settle.ts';

const JOBS = '/apis/batch/v1/namespaces/films/jobs';
const STATUS = '/apis/dualparal.io/v1alpha1/namespaces/films/videogenerations/lighthouse/status';
const FILM = STATUS.replace('/status', '');
const PODS = '/api/v1/namespaces/films/pods';
const KEY = 'films/lighthouse';
const NOW = Date.parse('2026-01-01T00:30:00Z');
let server: ScriptedApiServer;
let client: KubeClient;
beforeEach(async () => {
  server = await startScriptedApiServer();
  client = openPlainClient(server.origin);
});
afterEach(async () => {
  await client.close();
  await server.close();
});

test.each([
  ['is deleted at once', []],
  ['had changed when it was to be deleted', [{ status: 409, body: { reason: 'Conflict', message: 'precondition' } }]],
])('a suspension is told and its end is counted, once, where the Job %s', async (_what, _refusals) => {
  const before = settle(decide(observed({ frozen: ['job-1'], live: true, jobs: [job(1)] }), NOW), []).status;
  let film = withMetadata({ generation: 2 })(withStatus(before)(videoGeneration(withSpec({ suspend: true }))));
  let version = 2000;
  let jobs = [job(1)];
  server.on('GET', FILM, () => ({ body: film }));
  server.on('GET', JOBS, () => ({ body: { items: jobs } }));
  server.on('GET', PODS, { body: { items: [] } });
  server.on('PATCH', STATUS, (call: ReceivedCall) => {
    version += 1;
    film = {
      ...film,
      metadata: { ...film.metadata, resourceVersion: String(version) },
      status: (call.body as typeof film).status!,
    };
    return { body: film };
  });
  server.on(
    'DELETE',
    `${JOBS}/lighthouse-3f2a9c1b-1`,
    { status: 409, body: { reason: 'Conflict', message: 'precondition' } },
    () => {
      jobs = [];
      return { body: {} };
    },
  );
  const sources = sourcesOf({ film, jobs, frozen: ['job-1'] });
  const events: string[] = [];
  const counts: string[] = [];
  const options: ControllerOptions = {
    ...roundOptions(client, sources, NOW),
    recorder: { record: (_subject, note) => void events.push(note.reason), flush: () => Promise.resolve() },
    count: (what) => counts.push(what),
  };
  for (let i = 0; i < 4; i += 1) await reconcile(KEY, options);
  expect(film.status?.attempts?.at(-1)?.outcome).toBe('Suspended');
  expect(counts).toEqual(['Suspended']);
  expect(events.filter((reason) => reason === 'AttemptSuspended')).toHaveLength(1);
});
