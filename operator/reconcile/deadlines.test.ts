import { describe, expect, test } from 'vitest';
import { job, withEnd } from '../../test/build/job.ts';
import { type Cluster, observed } from '../../test/build/observed.ts';
import {
  ended,
  onNode,
  pod,
  running,
  succeededResult,
  withCondition,
  withContainer,
  withStatus,
} from '../../test/build/pod.ts';
import { videoGeneration, withStatus as withFilmStatus, withSpec } from '../../test/build/video-generation.ts';
import type { Job, Pod } from '../api/kubernetes.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { decide } from './decide.ts';
import { settle } from './settle.ts';

const at = (minutes: number) => Date.parse('2026-01-01T00:00:00Z') + 60_000 * minutes;
const begun: Job = { ...job(1), status: { startTime: '2026-01-01T00:01:00Z' } };
const suspended = { ...begun, spec: { ...begun.spec, suspend: true } };
const placed = withCondition({ type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-01T00:02:00Z' });
const noImage = withContainer({ waiting: { reason: 'ErrImagePull', message: 'no such image' } });
const deletion = { type: 'delete-job', name: 'lighthouse-3f2a9c1b-1', uid: 'job-1', version: '101' };

function round(minutes: number, cluster: Cluster, deadlines: object, status?: VideoGenerationStatus) {
  const film = withFilmStatus(status)(videoGeneration(withSpec({ deadlines })));
  return decide(observed({ frozen: ['job-1'], live: true, ...cluster, film }), at(minutes));
}

const told = ({ verdict, actions, requeueAfterMs }: ReturnType<typeof round>) => ({
  outcome: verdict.outcome,
  reason: 'why' in verdict ? verdict.why.reason : undefined,
  actions,
  ...(requeueAfterMs === undefined ? {} : { nextInMinutes: requeueAfterMs / 60_000 }),
});
const goes = (nextInMinutes?: number) => ({
  ...{ outcome: 'live', reason: undefined, actions: [] },
  ...(nextInMinutes === undefined ? {} : { nextInMinutes }),
});
const ends = (reason: string) => ({ outcome: 'ending', reason, actions: [deletion] });

test.each<[string, number, Cluster, object, object]>([
  ['no deadline: a film may wait for a node as long as it takes', 9999, { jobs: [begun], pods: [pod(1)] }, {}, goes()],
  [
    'one hour with GPUs and without a runner',
    63,
    { jobs: [begun], pods: [pod(1, onNode(), placed, noImage)] },
    {},
    ends('StartDeadlineExceeded'),
  ],
  ['a minute before', 61, { jobs: [begun], pods: [pod(1, onNode(), placed, noImage)] }, {}, goes(1)],
  ['the start counts from when the Job may run', 10, { jobs: [begun], pods: [pod(1)] }, { start: '10m' }, goes(1)],
  ['and then it is over, also without a pod', 11, { jobs: [begun] }, { start: '10m' }, ends('StartDeadlineExceeded')],
  ['time in a queue does not count', 99, { jobs: [suspended] }, { start: '10m' }, goes()],
  ['a runner that has started has started', 99, { jobs: [begun], pods: [pod(1, running)] }, { start: '10m' }, goes(2)],
])('%s', (_what, minutes, cluster, deadlines, expected) => {
  expect(told(round(minutes, cluster, deadlines))).toMatchObject(expected);
});

describe('runners may work so long, counted from when they were seen to run', () => {
  const cluster = { jobs: [begun], pods: [pod(1, running)] };
  const first = settle(round(5, cluster, { active: '5m' }), []).status;

  test.each([
    [8, goes(2)],
    [10, ends('ActiveDeadlineExceeded')],
  ])('minute %i', (minutes, expected) => {
    expect(told(round(minutes, cluster, { active: '5m' }, first))).toMatchObject(expected);
  });
});

describe('a deadline that passes while the cluster is read', () => {
  const deadlines = { active: '5m' };
  const cluster = { frozen: ['job-1'], live: true, jobs: [begun], pods: [pod(1, running)] };
  const first = settle(round(5, cluster, deadlines), []).status;
  const film = withFilmStatus(first)(videoGeneration(withSpec({ deadlines })));

  test.each([
    [
      'is none yet where the pod was asked for before it: it may have ended since, and is read again at once',
      9,
      goes(0),
    ],
    ['has passed where the pod was asked for after it', 10, ends('ActiveDeadlineExceeded')],
  ])('%s', (_what, minutes, expected) => {
    expect(told(decide({ ...observed({ ...cluster, film }), readAt: at(minutes) }, at(11)))).toMatchObject(expected);
  });

  test('is no fact by the caches, also where nothing is to be deleted for it: another pod of the Job has made the film', () => {
    const next = (object: Pod): Pod => {
      const own = { uid: 'pod-2', name: 'lighthouse-3f2a9c1b-1-fghij', creationTimestamp: '2026-01-01T00:05:00Z' };
      return { ...object, metadata: { ...object.metadata, ...own } };
    };
    const none = withCondition({ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'none' });
    const pods = [pod(1, none), pod(1, ended(0, succeededResult), next)];
    const spec = withSpec({ parallelism: { gpus: 8, minGpus: 2 }, deadlines: { elastic: '5m' } });
    const seen = { frozen: ['job-1'], jobs: [begun], pods, film: videoGeneration(spec) };
    const cached = decide(observed(seen), at(12));
    expect([cached.verdict.outcome, cached.actions, cached.read]).toEqual(['ending', [], true]);
    const again = decide(observed({ ...seen, film: withFilmStatus(cached.status)(seen.film) }), at(12));
    expect([again.verdict.outcome, again.read]).toEqual(['ending', false]);
  });
});

describe('a runner that does not get on', () => {
  const cluster = { jobs: [begun], pods: [pod(1, running)] };
  const first = settle(round(10, cluster, { stall: '5m' }), []).status;

  test.each([
    [14, goes(1)],
    [15, ends('Stalled')],
  ])('is ended after its time, counted from when it was seen to run: minute %i', (minutes, expected) => {
    expect(told(round(minutes, cluster, { stall: '5m' }, first))).toMatchObject(expected);
  });

  test('has failed when its pod has ended, however it ended', () => {
    const stalled = settle(round(15, cluster, { stall: '5m' }, first), []).status;
    const stopped: Pod = pod(1, ended(10));
    const leaving = { ...stopped, metadata: { ...stopped.metadata, deletionTimestamp: '2026-01-01T00:16:00Z' } };
    const { status } = settle(round(17, { pods: [leaving] }, { stall: '5m' }, stalled), []);
    expect(status).toMatchObject({ failures: 1, disruptions: 0, attempts: [{ outcome: 'Failed', reason: 'Stalled' }] });
  });
});

test('a film whose start came too late has failed once its pod is gone, and says what it waited for', () => {
  const cluster = { jobs: [begun], pods: [pod(1, onNode(), placed, noImage)] };
  const ending = settle(round(12, cluster, { start: '10m' }), []).status;
  const { status } = settle(round(13, {}, { start: '10m' }, ending), []);
  expect(status).toMatchObject({ phase: 'Failed', reason: 'StartDeadlineExceeded', failures: 1 });
  expect(status!.message).toMatch(/10m: ErrImagePull: no such image/);
});

describe('a pod of a lost node', () => {
  const lost = { ...pod(1, running), metadata: { ...pod(1).metadata, deletionTimestamp: '2026-01-01T00:10:00Z' } };
  const cluster = { jobs: [begun], pods: [lost] };

  test('is left alone where the spec does not say otherwise', () => {
    expect(round(9999, cluster, {}).actions).toEqual([]);
  });

  test('is waited for also where its film is over', () => {
    const made = pod(2, ended(0, succeededResult));
    const { status } = settle(round(11, { pods: [lost, made], jobs: [begun, job(2)] }, {}), []);
    const later = round(12, { pods: [lost] }, { lostNode: '10m' }, status);
    expect(later).toMatchObject({ verdict: { outcome: 'settled' }, requeueAfterMs: 480_000 });
    const forced = { type: 'delete-pod', name: lost.metadata.name, uid: 'pod-1', version: '201', force: true };
    expect(round(20, { pods: [lost] }, { lostNode: '10m' }, status).actions).toEqual([forced]);
  });

  test('is deleted by force after its time, and its Job with it: the next attempt writes elsewhere', () => {
    expect(round(19, cluster, { lostNode: '10m' }).actions).toEqual([]);
    const forced = { type: 'delete-pod', name: lost.metadata.name, uid: 'pod-1', version: '201', force: true };
    expect(round(20, cluster, { lostNode: '10m' }).actions).toEqual([deletion, forced]);
  });
});

describe('a pod that followed another unseen', () => {
  const second = { ...pod(1, running), metadata: { ...pod(1).metadata, name: 'second', uid: 'pod-2' } };
  const first = (limits: object) => settle(round(5, { jobs: [begun], pods: [pod(1, running)] }, limits), []).status;

  test.each([{ stall: '5m' }, { active: '6m' }])('has run since it was first seen: %j', (limits) => {
    const seen = round(20, { jobs: [begun], pods: [second] }, limits, first(limits));
    expect(seen).toMatchObject({ verdict: { outcome: 'live' }, status: { attempts: [{ outcome: 'Disrupted' }, {}] } });
    const { status } = settle(seen, []);
    expect(round(24, { jobs: [begun], pods: [second] }, limits, status).verdict.outcome).toBe('live');
    expect(round(26, { jobs: [begun], pods: [second] }, limits, status).verdict.outcome).toBe('ending');
  });
});

test('an attempt that was taken away, and whose end nobody saw, has worked until it was last seen to get on', () => {
  const limits = { active: '8m' };
  const film = (status?: VideoGenerationStatus, suspend = true) =>
    withFilmStatus(status)(videoGeneration(withSpec({ deadlines: limits, suspend })));
  const at5 = settle(round(5, { jobs: [begun], pods: [pod(1, running)] }, limits), []).status;
  const told = settle(
    decide(observed({ film: film(at5), jobs: [begun], pods: [pod(1, running)], live: true }), at(6)),
    [],
  );
  const gone = settle(decide(observed({ film: film(told.status), live: true }), at(60)), []);
  expect(gone.status).toMatchObject({ attempts: [{ outcome: 'Suspended' }] });
  expect(decide(observed({ film: film(gone.status, false), live: true }), at(61)).verdict.outcome).toBe('start');
});

test('one whose pod was gone when its Job failed has worked as long, however late the Job was', () => {
  const limits = { active: '8m' };
  const first = settle(round(5, { jobs: [begun], pods: [pod(1, running)] }, limits), []).status;
  const { status } = settle(round(30, { jobs: [withEnd('Failed')(begun)] }, limits, first), []);
  expect(status).toMatchObject({ phase: 'Queued', attempts: [{ outcome: 'Failed', endTime: '2026-01-01T00:20:00Z' }] });
  expect(status?.activeSeconds ?? 0).toBeLessThan(8 * 60);
});

describe('a runner that was at work from minute 2 to minute 32 has worked for half an hour', () => {
  const iso = (minutes: number) => new Date(at(minutes)).toISOString().replace('.000', '');
  const seen = (behind: number) => ({
    jobs: [begun],
    pods: [pod(1, running, withContainer({ running: { startedAt: iso(2 - behind) } }))],
  });
  const over = (behind: number, jump = 0) => ({
    jobs: [withEnd('Failed')(begun)],
    pods: [pod(1, ended(1, undefined, { startedAt: iso(2 - behind), finishedAt: iso(32 - behind + jump) }))],
  });
  const worked = (minutes: number, cluster: Cluster, status?: VideoGenerationStatus) =>
    round(minutes, cluster, {}, status).status?.activeSeconds;

  test.each([
    ['is right', 0, 32],
    ['is 20 minutes behind', 20, 32],
    ['is 20 minutes behind, and its end was seen late', 20, 90],
    ['is an hour ahead, and its end was seen late', -60, 95],
  ])('by a node whose clock %s', (_what, behind, minutes) => {
    const first = settle(round(2, seen(behind), {}), []).status;
    expect(worked(minutes, over(behind), first)).toBe(1800);
  });

  test('also where nobody had seen it before its end, on a node whose clock is behind', () => {
    expect(worked(40, over(20))).toBe(1800);
  });

  test('and no longer than it can have been seen, where the clock of its node was put forward meanwhile', () => {
    const first = settle(round(2, seen(0), {}), []).status;
    expect(worked(32, over(0, 45), first)).toBe(1800);
  });

  test('a container that its node has lost has worked until it was last seen to get on', () => {
    const first = settle(round(2, seen(0), {}), []).status;
    const lost = pod(1, ended(137, undefined, { startedAt: null, finishedAt: null } as never));
    expect(worked(90, { jobs: [begun], pods: [lost] }, first)).toBeUndefined();
  });
});

describe('a runner that is through with the film, whose pod has not ended yet', () => {
  const made = pod(1, ended(0, succeededResult), withStatus({ phase: 'Running' }));
  const cluster = { jobs: [begun], pods: [made] };
  const atWork = { jobs: [begun], pods: [pod(1, running)] };
  const limits = { stall: '5m', active: '5m' };
  const first = settle(round(10, atWork, limits), []).status;

  test('is ended by no deadline that passes meanwhile', () => {
    expect(told(round(99, cluster, limits, first))).toMatchObject({ outcome: 'live', actions: [] });
  });

  test.each([{ stall: '5m' }, { active: '5m' }])('nor by what was decided before: %j', (deadlines) => {
    const late = settle(round(15, atWork, deadlines, settle(round(10, atWork, deadlines), []).status), []).status;
    expect(late).toMatchObject({ phase: 'Running', attempts: [{ outcome: 'Running' }] });
    expect(told(round(16, cluster, deadlines, late))).toMatchObject({ outcome: 'live', actions: [] });
    const { status } = settle(
      round(17, { jobs: [begun], pods: [pod(1, ended(0, succeededResult))] }, deadlines, late),
      [],
    );
    expect(status).toMatchObject({ phase: 'Succeeded', failures: 0, attempts: [{ outcome: 'Succeeded' }] });
  });

  test('keeps its pod also where the film is to wait', () => {
    const film = videoGeneration(withSpec({ suspend: true }));
    expect(decide(observed({ film, frozen: ['job-1'], live: true, ...cluster }), at(20)).actions).toEqual([]);
  });
});

describe('a container that goes on after the runner', () => {
  const outlived = (exitCode: number, message?: object): Pod => {
    const made = pod(1, ended(exitCode, message), withStatus({ phase: 'Running' }));
    const [runner] = made.status!.containerStatuses!;
    return withStatus({ containerStatuses: [{ name: 'mesh', state: { running: {} } }, runner!] })(made);
  };

  test('does not keep a film from being complete, and its Job goes', () => {
    const decision = round(20, { jobs: [begun], pods: [outlived(0, succeededResult)] }, {});
    expect(decision.verdict.outcome).toBe('complete');
    expect(decision.actions).toEqual([]);
    const later = round(21, { jobs: [begun], pods: [outlived(0, succeededResult)] }, {}, decision.status);
    expect(later.actions).toEqual([deletion]);
    expect(decision.status).toMatchObject({ phase: 'Succeeded', attempts: [{ outcome: 'Succeeded', exitCode: 0 }] });
  });

  test('has its pod deleted when the runner has failed, which counts at once', () => {
    const decision = round(20, { jobs: [begun], pods: [outlived(60)] }, {});
    const gone = {
      type: 'delete-pod',
      name: 'lighthouse-3f2a9c1b-1-abcde',
      uid: 'pod-1',
      version: '201',
      force: false,
    };
    expect(decision.actions).toEqual([gone]);
    expect(decision.status).toMatchObject({ reason: 'RunnerEnded', failures: 1, attempts: [{ outcome: 'Failed' }] });
  });
});
