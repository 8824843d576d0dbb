import { afterEach, beforeEach, expect, it } from 'vitest';
import { job } from '../../test/build/job.ts';
import { observed, progressRecord, sourcesOf } from '../../test/build/observed.ts';
import { pod, running } from '../../test/build/pod.ts';
import { roundOptions } from '../../test/build/round.ts';
import { videoGeneration, withMetadata, withSpec, withStatus } from '../../test/build/video-generation.ts';
import { type ScriptedApiServer, startScriptedApiServer } from '../../test/double/api-server.ts';
import type { VideoGeneration } from '../api/video-generation.ts';
import { type KubeClient, openPlainClient } from '../kube/client.ts';
import { reconcile } from './controller.ts';
import { decide } from './decide.ts';

const JOBS = '/apis/batch/v1/namespaces/films/jobs';
const JOB = `${JOBS}/lighthouse-3f2a9c1b-1`;
const PODS = '/api/v1/namespaces/films/pods';
const FILM = '/apis/dualparal.io/v1alpha1/namespaces/films/videogenerations/lighthouse';
const BUSY = { status: 429, headers: { 'retry-after': '60' }, body: { code: 429 } };
const spec = withSpec({ deadlines: { stall: '15m' }, retries: { failures: 0, disruptions: 3 } });
const at = (text: string) => Date.parse(`2026-01-01T${text}Z`);
const cluster = { jobs: [job(1)], pods: [pod(1, running)], frozen: ['job-1'], live: true };
const further = progressRecord({ sequence: 900, blockSteps: 60, percent: 60, time: '2026-01-01T00:25:30.000Z' });

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

/** A runner that has told nothing new for longer than it may; `written` is called once that stands in the status. */
async function stalledRound(written: (reports: Record<string, ReturnType<typeof progressRecord>>) => void) {
  const reports = { 'pod-1': progressRecord() };
  const begun = decide(observed({ ...cluster, film: videoGeneration(spec), reports }), at('00:10:00')).status;
  let film: VideoGeneration = videoGeneration(spec, withMetadata({ resourceVersion: '1800' }), withStatus(begun));
  const sources = sourcesOf({ ...cluster, film, reports });
  server.on('GET', FILM, () => ({ body: film }));
  server.on('GET', JOBS, { body: { items: [job(1)] } });
  server.on('GET', PODS, { body: { items: [pod(1, running)] } });
  server.on('DELETE', JOB, BUSY, { body: {} });
  server.on('PATCH', `${FILM}/status`, (call) => {
    const { status } = call.body as Pick<VideoGeneration, 'status'>;
    film = { ...film, metadata: { ...film.metadata, resourceVersion: '2000' }, ...(status ? { status } : {}) };
    written(reports);
    return { body: film };
  });
  await reconcile('films/lighthouse', roundOptions(client, sources, at('00:25:01')));
  const deletions = server.calls.filter(({ method }) => method === 'DELETE').length;
  expect(film.status?.attempts).toMatchObject([{ outcome: 'Running', reason: 'Stalled' }]);
  return { film, reports, deletions };
}

it('a runner that gets on again after its Job could not be deleted keeps it', async () => {
  const { film, deletions } = await stalledRound(() => {});
  expect(deletions).toBe(1);
  const next = decide(observed({ ...cluster, film, reports: { 'pod-1': further } }), at('00:26:02'));
  expect({ outcome: next.verdict.outcome, actions: next.actions }).toEqual({ outcome: 'live', actions: [] });
  expect(next.status?.attempts?.[0]?.reason).toBeUndefined();
});

it('a runner that gets on while its stall is written down keeps its Job', async () => {
  const { deletions } = await stalledRound((reports) => {
    reports['pod-1'] = further;
  });
  expect(deletions).toBe(0);
});

it('a runner that does not get on loses its Job, whatever else it tells', async () => {
  const { film } = await stalledRound((reports) => {
    reports['pod-1'] = progressRecord({ sequence: 900, time: '2026-01-01T00:25:30.000Z' });
  });
  const same = { 'pod-1': progressRecord({ sequence: 901 }) };
  const next = decide(observed({ ...cluster, film, reports: same }), at('00:26:02'));
  expect({ outcome: next.verdict.outcome, actions: next.actions.map(({ type }) => type) }).toEqual({
    outcome: 'ending',
    actions: ['delete-job'],
  });
});

it.each<[string, Parameters<typeof progressRecord>[0], number, string]>([
  ['with new counts, just now', { blockSteps: 60 }, 0, 'live'],
  ['with new counts, less than the limit ago', { blockSteps: 60 }, 898.6, 'live'],
  ['with new counts, as long ago as the limit', { blockSteps: 60 }, 900, 'ending'],
  ['with a new percent alone, less than the limit ago', { percent: 60 }, 899, 'live'],
  ['with a part of a percent more', { percent: 37.95 }, 0, 'ending'],
  ['with nothing new', {}, 0, 'ending'],
])(
  'what was heard of a runner counts the same before and after it is written down: %s',
  (_what, fields, seconds, is) => {
    const begun = decide(
      observed({ ...cluster, film: videoGeneration(spec), reports: { 'pod-1': progressRecord() } }),
      at('00:10:00'),
    ).status;
    const reports = { 'pod-1': progressRecord({ sequence: 900, ...fields }) };
    const film = videoGeneration(spec, withStatus(begun));
    const seen = observed({ ...cluster, film, reports, silentMs: 1000 * seconds });
    const first = decide(seen, at('00:40:00'));
    const again = decide({ ...seen, status: first.status }, at('00:40:00'));
    expect([first.verdict.outcome, again.verdict.outcome, again.status]).toEqual([is, is, first.status]);
  },
);
