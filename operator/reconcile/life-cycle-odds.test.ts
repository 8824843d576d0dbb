/** Odd moments in a film's life that were found to go wrong: each states what is right. */
import { expect, test } from 'vitest';
import { job, withEnd } from '../../test/build/job.ts';
import { type Cluster, observed, progressRecord, sourcesOf } from '../../test/build/observed.ts';
import {
  ended,
  onNode,
  orphaned,
  pod,
  running,
  succeededResult,
  withCondition,
  withContainer,
  withStatus,
} from '../../test/build/pod.ts';
import { videoGeneration, withStatus as withFilmStatus, withSpec } from '../../test/build/video-generation.ts';
import type { Job, Pod } from '../api/kubernetes.ts';
import { LABEL_QUEUE } from '../api/labels.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { createInbox } from '../progress/inbox.ts';
import { decide } from './decide.ts';
import { gpusHeld } from './gpus-held.ts';
import { settle } from './settle.ts';

type Spec = Readonly<Record<string, unknown>>;
const at = (minutes: number) => Date.parse('2026-01-01T00:00:00Z') + 60_000 * minutes;
const text = (minutes: number) => `${new Date(at(minutes)).toISOString().slice(0, 19)}Z`;
const begun: Job = { ...job(1), status: { startTime: text(1) } };
const atWork: Cluster = { jobs: [begun], pods: [pod(1, running)] };
const stopping = (object: Pod): Pod => ({ ...object, metadata: { ...object.metadata, deletionTimestamp: text(30) } });
const queued = (object: Job): Job => ({
  ...object,
  metadata: { ...object.metadata, labels: { ...object.metadata.labels, [LABEL_QUEUE]: 'gpu' } },
});
const outlived = (exitCode: number, message?: object, phase = 'Running'): Pod => {
  const made = pod(1, ended(exitCode, message), withStatus({ phase }));
  const [runner] = made.status!.containerStatuses!;
  return withStatus({ containerStatuses: [{ name: 'mesh', state: { running: {} } }, runner!] })(made);
};

function round(minutes: number, cluster: Cluster, spec: Spec = {}, status?: VideoGenerationStatus) {
  const film = withFilmStatus(status)(cluster.film ?? videoGeneration(withSpec(spec)));
  return decide(observed({ frozen: ['job-1', 'job-2'], live: true, ...cluster, film }), at(minutes));
}
const said = (minutes: number, cluster: Cluster, spec: Spec = {}, status?: VideoGenerationStatus) =>
  settle(round(minutes, cluster, spec, status), []).status;

test.each([
  ['has no start yet', {}],
  ['has its earlier start', { startTime: text(1), conditions: [{ type: 'Suspended', status: 'True' as const }] }],
])('the start deadline does not count the queue: a Job that was just let go %s', (_what, status) => {
  const letGo = queued({ ...job(1), spec: { ...job(1).spec, suspend: false }, status });
  expect(round(300, { jobs: [letGo] }, { deadlines: { start: '30m' } })).toMatchObject({
    verdict: { outcome: 'live' },
    actions: [],
  });
});

test('a runner that is over is over, also if another container still waits for its image', () => {
  const made = { jobs: [begun], pods: [outlived(0, succeededResult, 'Pending')] };
  expect(round(20, made).status).toMatchObject({ phase: 'Succeeded' });
});

test('what goes after a film counts from when its end was told, not from a clock of a node', () => {
  const longAgo = { startedAt: '2025-12-01T00:05:00Z', finishedAt: '2025-12-01T00:15:00Z' };
  const cluster = { jobs: [begun], pods: [pod(1, ended(0, succeededResult, longAgo))] };
  const spec = { ttlAfterFinished: '24h' };
  expect(round(21, cluster, spec, said(20, cluster, spec)).actions).toEqual([]);
});

test('a runner that starts long after the operator is not silent', () => {
  let now = at(0);
  const inbox = createInbox({ wake: () => {}, nowMs: () => now, after: () => {} });
  now = at(60);
  const seen = { ...observed({ ...atWork, frozen: ['job-1'], live: true }), ...inbox.hearing('pod-1') };
  expect(decide(seen, now).status?.conditions.map(({ type }) => type)).not.toContain('ProgressStale');
});

test('time at work is not counted by clocks that are wrong', () => {
  const spec = { deadlines: { active: '1h' } };
  const behind = pod(1, ended(1, undefined, { startedAt: text(-55), finishedAt: text(-45) }));
  expect(said(15, { jobs: [withEnd('Failed')(begun)], pods: [behind] }, spec)?.activeSeconds ?? 0).toBeLessThanOrEqual(
    900,
  );
  const ahead = pod(1, running, withContainer({ running: { startedAt: text(1440) } }));
  const seen = { jobs: [begun], pods: [ahead] };
  expect(round(600, seen, spec, said(10, seen, spec)).verdict.outcome).toBe('ending');
  expect(said(610, {}, spec, said(10, atWork, spec))?.activeSeconds ?? 0).toBeLessThan(3600);
});

test('no other attempt starts when the time at work is used up', () => {
  const cluster = { jobs: [withEnd('Failed')(begun)], pods: [pod(1, ended(1))] };
  const spec = { deadlines: { active: '5m' } };
  expect(said(15, cluster, spec)).toMatchObject({ phase: 'Failed', reason: 'ActiveDeadlineExceeded' });
});

test('a runner whose progress could not be written down has not stalled', () => {
  const spec = { deadlines: { stall: '15m' } };
  const cluster = (done: number) => ({
    ...atWork,
    reports: { 'pod-1': progressRecord({ sequence: done, blockSteps: done }) },
  });
  expect(round(22, cluster(60), spec, said(6, cluster(10), spec)).verdict.outcome).toBe('live');
});

test('an attempt that is being ended stays so, and runs until it has ended', () => {
  const spec = { deadlines: { stall: '5m' } };
  const told = said(15, atWork, spec, said(10, atWork, spec));
  expect(told).toMatchObject({ phase: 'Running', reason: 'Stalled' });
  expect(round(15.5, { ...atWork, live: false }, spec, told)).toMatchObject({
    verdict: { outcome: 'ending' },
    status: { phase: 'Running', reason: 'Stalled' },
  });
});

test('a Job that had a pod before can be too late as well', () => {
  const spec = { deadlines: { start: '10m' } };
  const cluster = { jobs: [begun], pods: [pod(1, onNode(), ended(10))] };
  const told = said(27, cluster, spec, said(16, cluster, spec));
  expect(round(28, {}, spec, told).verdict).toMatchObject({
    outcome: 'failed',
    why: { reason: 'StartDeadlineExceeded' },
  });
});

test.each([
  ['while another container goes on', outlived(60)],
  ['while its Job has not said so yet', pod(1, ended(60))],
])('a runner that has failed is not late %s', (_what, made) => {
  const spec = { deadlines: { start: '20s' } };
  const cluster = { jobs: [begun], pods: [made] };
  expect(round(20.5, cluster, spec, said(20, cluster, spec)).verdict.outcome).toBe('live');
});

test('a pod that a queue took away unseen, before it had started, is no disruption', () => {
  const conditions = [{ type: 'Suspended', status: 'False' as const, reason: 'JobResumed' }];
  const resumed = queued({ ...job(1), status: { startTime: text(20), conditions } });
  const before = said(10, { jobs: [queued(begun)], pods: [pod(1)] });
  expect(said(21, { jobs: [resumed] }, {}, before)).toMatchObject({
    disruptions: 0,
    attempts: [{ outcome: 'Suspended' }],
  });
});

test('a suspension that was taken back before it took anything away is forgotten', () => {
  const told = said(20, atWork, { suspend: true }, said(10, atWork));
  const goesOn = said(21, atWork, {}, told);
  const evicted = withCondition({ type: 'DisruptionTarget', status: 'True', reason: 'Evicted' })(
    stopping(pod(1, ended(143))),
  );
  expect(said(30, { jobs: [begun], pods: [evicted] }, {}, goesOn)).toMatchObject({
    disruptions: 1,
    attempts: [{ outcome: 'Disrupted' }],
  });
});

test.each([
  [{ managedBy: 'kueue.x-k8s.io/multikueue' }, 'leaving'],
  [{ suspend: true }, 'suspended'],
])('%j holds also in a spec that is not understood', (given, outcome) => {
  const film = videoGeneration();
  const odd = { ...film, spec: { ...(film.spec as object), ...given, fps: 'x' } };
  expect(round(5, { ...atWork, film: odd }).verdict.outcome).toBe(outcome);
});

test('a pod without its Job holds its GPUs while another container goes on', () => {
  expect(round(20, { pods: [orphaned(outlived(1))] }).verdict.outcome).toBe('held');
  expect(gpusHeld(sourcesOf({ pods: [outlived(1)] }))).toBeGreaterThan(0);
});
