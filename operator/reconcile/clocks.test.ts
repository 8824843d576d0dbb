import { expect, it } from 'vitest';
import { job, withEnd } from '../../test/build/job.ts';
import { type Cluster, observed } from '../../test/build/observed.ts';
import { ended, pod, running, withCondition, withContainer } from '../../test/build/pod.ts';
import { videoGeneration, withSpec, withStatus } from '../../test/build/video-generation.ts';
import type { Job, Pod } from '../api/kubernetes.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { attemptOfJob, jobName } from '../job/names.ts';
import { decide } from './decide.ts';

/* Moments that other machines' clocks tell, which are not the API server's, whose time is ours (`kube/server-clock.ts`). */

const at = (time: string) => `2026-01-01T${time}Z`;
const step = (cluster: Cluster, status: VideoGenerationStatus | undefined, time: string, deadlines = {}) =>
  decide(
    observed({ ...cluster, live: true, film: videoGeneration(withSpec({ deadlines }), withStatus(status)) }),
    Date.parse(at(time)),
  );
const frozen = ['job-1', 'job-2'];
/** A Job that its queue has let go; the Job controller tells when. */
const letGo = (startTime: string): Job => ({
  ...job(1),
  status: { startTime: at(startTime), conditions: [{ type: 'Suspended', status: 'False', reason: 'JobResumed' }] },
});

it.each(['00:01:01', '00:01:04', '01:01:01'])(
  'a drained pod of a Job that was let go counts as a disruption where the Job controller says it was at %s',
  (startTime) => {
    const first = step({ jobs: [letGo(startTime)], pods: [pod(1, running)], frozen }, undefined, '02:00:00');
    const told = withCondition({ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' });
    const leaving = ({ metadata, ...rest }: Pod): Pod => ({
      ...rest,
      metadata: { ...metadata, deletionTimestamp: at('02:30:30') },
    });
    const left = { jobs: [letGo(startTime)], pods: [leaving(pod(1, running, told))], frozen };
    const second = step(left, first.status, '02:30:00');
    const over = { ...left, pods: [leaving(pod(1, ended(143), told))] };
    expect(step(over, second.status, '02:30:20').status).toMatchObject({
      disruptions: 1,
      attempts: [{ outcome: 'Disrupted' }],
    });
  },
);

it('a Job that was let go two seconds ago is not late where the Job controller is an hour behind', () => {
  const made = { ...pod(1), metadata: { ...pod(1).metadata, creationTimestamp: at('02:00:01') } };
  const jobs = [letGo('01:00:01')];
  expect(step({ jobs, pods: [made], frozen }, undefined, '02:00:02', { start: '30m' }).verdict.outcome).toBe('live');
  expect(step({ jobs, pods: [made], frozen }, undefined, '02:31:00', { start: '30m' }).verdict.outcome).toBe('ending');
});

it("a node's clock that is set back during a run takes nothing from the time at work", () => {
  const startedAt = at('02:02:00');
  const alive = { jobs: [job(1)], pods: [withContainer({ running: { startedAt } })(pod(1, running))], frozen };
  const first = step(alive, undefined, '00:02:05').status;
  const over = pod(1, ended(1, undefined, { startedAt, finishedAt: at('00:42:00') }));
  const jobs = [job(1, withEnd('Failed'))];
  expect(step({ jobs, pods: [over], frozen }, first, '00:42:02').status?.activeSeconds).toBe(2397);
});

it('a transition that is still to come was written by a clock that was ahead: a runner that hangs is ended in time', () => {
  const cluster: Cluster = { jobs: [job(1)], pods: [pod(1, running)], frozen, silentMs: 3 * 3_600_000 };
  const ahead = step(cluster, undefined, '05:10:00', { stall: '15m' }).status;
  const right = step(cluster, ahead, '00:11:00', { stall: '15m' });
  expect(right.verdict.outcome).toBe('live');
  expect(step(cluster, right.status, '00:27:00', { stall: '15m' }).verdict.outcome).toBe('ending');
});

it('attempts without a pod keep their places', () => {
  const deadlines = { start: '5m' };
  const a = step({ jobs: [job(1)], frozen }, undefined, '00:01:00', deadlines).status;
  const b = step({ jobs: [] }, a, '00:01:10', deadlines).status;
  const started: Job = { ...job(2), status: { startTime: at('00:02:00') } };
  const c = step({ jobs: [started], pods: [pod(2, running)], frozen }, b, '00:05:10', deadlines).status;
  const left = pod(2, ended(143, undefined, { finishedAt: at('00:06:00') }));
  const d = step({ jobs: [started], pods: [left], frozen }, c, '00:06:01', deadlines).status;
  const e = step({ jobs: [started], frozen }, d, '00:12:00', deadlines).status;
  const order = (status: VideoGenerationStatus | undefined) =>
    status?.attempts?.map((one) => [one.number, one.outcome]);
  expect(order(e)).toHaveLength(3);
  expect(order(step({ jobs: [] }, e, '00:12:05', deadlines).status)).toEqual(order(e));
});

it('the last number that a status can hold is known again', () => {
  const film = { namespace: 'films', name: 'lighthouse', uid: '3f2a9c1b-0000' };
  expect(attemptOfJob(film, jobName(film, 1_000_000))).toBe(1_000_000);
});
