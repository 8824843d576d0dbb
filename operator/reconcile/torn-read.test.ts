import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { job, withEnd } from '../../test/build/job.ts';
import { observed, sourcesOf } from '../../test/build/observed.ts';
import { ended, pod, running } from '../../test/build/pod.ts';
import { roundOptions } from '../../test/build/round.ts';
import { UID, videoGeneration, withMetadata, withSpec, withStatus } from '../../test/build/video-generation.ts';
import { type ScriptedApiServer, startScriptedApiServer } from '../../test/double/api-server.ts';
import type { Job, Pod } from '../api/kubernetes.ts';
import type { VideoGeneration } from '../api/video-generation.ts';
import { type KubeClient, openPlainClient } from '../kube/client.ts';
import { reconcile } from './controller.ts';
import { decide } from './decide.ts';
import { contradictedJobs, type KnownPod } from './torn-read.ts';

const NAME = 'lighthouse-3f2a9c1b-1';
const resource = { namespace: 'films', name: 'lighthouse', uid: UID };
const KNOWN: readonly KnownPod[] = [{ job: NAME, uid: 'pod-1' }];
const letGo: Job = {
  ...job(1),
  status: { startTime: '2026-01-01T00:01:00Z', conditions: [{ type: 'Suspended', status: 'False' }] },
};
const suspended: Job = {
  ...job(1),
  metadata: { ...job(1).metadata, resourceVersion: '1901' },
  spec: { ...job(1).spec, suspend: true },
  status: { conditions: [{ type: 'Suspended', status: 'True', reason: 'JobSuspended' }] },
};
const unseen = (object: Pod): Pod => ({ ...object, metadata: { ...object.metadata, uid: 'pod-2' } });
const leaving = (object: Pod): Pod => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: '1903', deletionTimestamp: '2026-01-01T00:30:25Z' },
});

describe('a Job that was read before its pods is read again', () => {
  it.each<[string, Job, readonly Pod[], boolean]>([
    ['where a pod leaves and nothing says why', letGo, [leaving(pod(1, running))], true],
    ['where a pod was told to stop and nothing says why', letGo, [pod(1, ended(143))], true],
    ['where a pod that was at work is gone', letGo, [], true],
    ['where it waits and its pod does not leave', suspended, [pod(1, running)], true],
    ['where it waits and a pod leaves that nobody had seen', suspended, [leaving(pod(1, running, unseen))], true],
    ['not where it waits and its pod leaves', suspended, [leaving(pod(1, running))], false],
    ['not where it waits and its pod is gone', suspended, [], false],
    ['not where its pod is at work', letGo, [pod(1, running)], false],
    ['not where its pod has failed by itself', letGo, [pod(1, ended(1))], false],
    ['not where it has ended', job(1, withEnd('Failed')), [], false],
  ])('%s', (_when, made, pods, expected) => {
    expect(contradictedJobs(resource, [made], pods, KNOWN)).toEqual(expected ? [made] : []);
  });
});

describe('a queue takes a Job away between the list of Jobs and that of pods', () => {
  const now = Date.parse('2026-01-01T00:30:00Z');
  const JOBS = '/apis/batch/v1/namespaces/films/jobs';
  const PODS = '/api/v1/namespaces/films/pods';
  const FILM = '/apis/dualparal.io/v1alpha1/namespaces/films/videogenerations/lighthouse';
  const NOT_FOUND = { status: 404, body: { code: 404, reason: 'NotFound' } };
  const spec = withSpec({ queueName: 'gpu', retries: { failures: 3, disruptions: 3 } });
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

  it.each([
    ['is still there', [leaving(pod(1, ended(143)))]],
    ['is gone', []],
  ])('no disruption is counted: the pod has ended and %s', async (_what, pods) => {
    const cluster = { jobs: [letGo], pods: [pod(1, running)], frozen: ['job-1'], live: true };
    const before = decide(observed({ ...cluster, film: videoGeneration(spec) }), now - 600_000).status;
    let film: VideoGeneration = videoGeneration(spec, withMetadata({ resourceVersion: '1800' }), withStatus(before));
    // After a failover: the cache of pods is behind.
    const sources = sourcesOf({ film, jobs: [letGo], frozen: ['job-1'] });
    let isTaken = false;
    server.on('GET', FILM, () => ({ body: film }));
    server.on('GET', JOBS, () => ({ body: { items: [isTaken ? suspended : letGo] } }));
    server.on('GET', `${JOBS}/${NAME}`, () => ({ body: isTaken ? suspended : letGo }));
    server.on('GET', PODS, () => {
      isTaken = true;
      return { body: { items: pods } };
    });
    server.on('GET', `${PODS}/${pod(1).metadata.name}`, NOT_FOUND);
    server.on('PATCH', `${FILM}/status`, (call) => {
      const { status } = call.body as Pick<VideoGeneration, 'status'>;
      film = { ...film, metadata: { ...film.metadata, resourceVersion: '2000' }, ...(status ? { status } : {}) };
      return { body: film };
    });
    await reconcile('films/lighthouse', roundOptions(client, sources, now));
    expect(film.status).toMatchObject({ disruptions: 0, attempts: [{ podUid: 'pod-1', outcome: 'Suspended' }] });
  });
});
