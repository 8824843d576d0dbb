import { expect, it } from 'vitest';
import { job, withEnd } from '../../test/build/job.ts';
import { type Cluster, observed, sourcesOf } from '../../test/build/observed.ts';
import { ended, pod, running, succeededResult, withCondition } from '../../test/build/pod.ts';
import { videoGeneration, withMetadata, withSpec, withStatus } from '../../test/build/video-generation.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { resourceOfCurrentPod } from './current-pod.ts';
import { decide } from './decide.ts';

const NOW = Date.parse('2026-01-01T00:30:00Z');
const frozen = ['job-1', 'job-2'];
const budget = (failures: number, disruptions = 20) => withSpec({ retries: { failures, disruptions } });
const step = (cluster: Cluster, status?: VideoGenerationStatus, modify = withMetadata({})) =>
  decide(observed({ frozen, ...cluster, film: modify(videoGeneration(withStatus(status))) }), NOW);
const atWork = step({ jobs: [job(1)], pods: [pod(1, running)] }).status;
const two = { jobs: [job(1, withEnd('Failed')), job(2)], pods: [pod(1, ended(1)), pod(2, running)] };

it.each<[string, Cluster]>([
  [
    'a Job that is complete before its pod is seen to end',
    { jobs: [job(1, withEnd('Complete'))], pods: [pod(1, running)] },
  ],
  ['a Job that failed before its pod is seen to end', { jobs: [job(1, withEnd('Failed'))], pods: [pod(1, running)] }],
  ['a known pod that is not there', { jobs: [job(1)] }],
  ['a known Job that is not there', { pods: [pod(1, running)] }],
])('%s is read again, and nothing follows from it', (_what, cluster) => {
  const { verdict, read, actions, status } = step(cluster, atWork);
  expect({ outcome: verdict.outcome, read, actions, status }).toEqual({
    outcome: 'unsure',
    read: true,
    actions: [],
    status: atWork,
  });
});

it('takes the result when the pod is seen to have ended', () => {
  const seen = { jobs: [job(1, withEnd('Complete'))], pods: [pod(1, ended(0, succeededResult))] };
  expect(step(seen, atWork).status?.output?.sha256).toBe(succeededResult.film.sha256);
});

it('starts nothing while the pod of a deleted Job holds its GPUs', () => {
  const { verdict, actions } = step({ live: true, pods: [pod(1, running)] }, atWork);
  expect({ outcome: verdict.outcome, actions }).toEqual({ outcome: 'held', actions: [] });
});

it('lets an attempt at work go on when the budget is lowered', () => {
  const before = step(two).status;
  expect(step({ ...two, live: true }, before, budget(0)).verdict.outcome).toBe('live');
});

it('deletes what still runs for a film that is over', () => {
  const over = step({ live: true, jobs: [job(1)], pods: [pod(1, ended(20))] }).status;
  expect(step({ live: true, ...two }, over).actions).toEqual([
    { type: 'delete-job', name: 'lighthouse-3f2a9c1b-2', uid: 'job-2', version: '102' },
  ]);
});

it('counts a failure as one after its pod was deleted', () => {
  const before = step(two).status;
  const deleted = { ...pod(1, ended(1)), metadata: { ...pod(1).metadata, deletionTimestamp: '2026-01-01T00:29:00Z' } };
  const after = step({ jobs: two.jobs, pods: [deleted, pod(2, running)] }, before).status;
  expect([after?.failures, after?.disruptions]).toEqual([1, 0]);
});

it('hears no pod of another namespace', () => {
  const evil = {
    ...pod(1, ended(0, succeededResult)),
    metadata: { ...pod(1).metadata, namespace: 'evil', uid: 'evil', creationTimestamp: '2026-01-01T00:09:00Z' },
  };
  const cluster = { jobs: [job(1)], pods: [pod(1, running), evil] };
  expect(step(cluster).verdict.outcome).toBe('live');
  expect(resourceOfCurrentPod(sourcesOf(cluster), 'pod-1')).toBe('films/lighthouse');
});

it('waits ten seconds after an end that a clock ahead has written', () => {
  const ahead = pod(1, ended(1, undefined, { finishedAt: '2026-01-31T00:30:00Z' }));
  expect(step({ jobs: [job(1, withEnd('Failed'))], pods: [ahead] }).requeueAfterMs).toBe(10_000);
});

it('takes a final exit code for final, also of a pod that was disrupted', () => {
  const both = pod(1, ended(20), withCondition({ type: 'DisruptionTarget', status: 'True', reason: 'Evicted' }));
  expect(step({ jobs: [job(1)], pods: [both] }).verdict.outcome).toBe('failed');
});

it('says that a Job is suspended', () => {
  const suspended = { ...job(1), spec: { ...job(1).spec, suspend: true } };
  expect(step({ live: true, jobs: [suspended] }).status?.reason).toBe('Suspended');
});
