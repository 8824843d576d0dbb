import { expect, it } from 'vitest';
import { job, withEnd } from '../../../test/build/job.ts';
import { type Cluster, observed, progressRecord } from '../../../test/build/observed.ts';
import { ended, pod, running, succeededResult } from '../../../test/build/pod.ts';
import { videoGeneration, withSpec, withStatus } from '../../../test/build/video-generation.ts';
import { decide } from '../decide.ts';

const NOW = Date.parse('2026-01-01T00:30:00Z');
const reports = { 'pod-1': progressRecord({ percent: 37 }) };
const before = decide(observed({ jobs: [job(1)], pods: [pod(1, running)], reports }), NOW).status;
const later = pod(1, running);
const another = {
  ...later,
  metadata: { ...later.metadata, uid: 'another', name: 'another', creationTimestamp: '2026-01-01T00:20:00Z' },
};

const gone = { number: 1, job: 'lighthouse-3f2a9c1b-1', generation: 1, podUid: 'gone', outcome: 'Disrupted' } as const;
const withLast = before && { ...before, attempts: [...(before.attempts ?? []), gone] };

it.each<[string, Cluster, number | undefined]>([
  ['the same pod at work', { pods: [pod(1, running)] }, 37],
  [
    'the same pod, which has reported again',
    { pods: [pod(1, running)], reports: { 'pod-1': progressRecord({ percent: 50 }) } },
    50,
  ],
  ['another pod at work', { pods: [pod(1, ended(10)), another] }, undefined],
  [
    'another pod, which has reported',
    { pods: [pod(1, ended(10)), another], reports: { another: progressRecord({ percent: 3 }) } },
    3,
  ],
  [
    'an older pod, when the last one is gone',
    { film: videoGeneration(withStatus(withLast)), pods: [pod(1, ended(10))], reports: { 'pod-1': progressRecord() } },
    undefined,
  ],
  [
    'an earlier Job, while the next one has no pod',
    { jobs: [job(1, withEnd('Failed')), job(2)], pods: [pod(1, ended(10))], reports },
    undefined,
  ],
])('the progress shown of %s', (_what, cluster, percent) => {
  const film = videoGeneration(withStatus(before));
  expect(decide(observed({ jobs: [job(1)], film, ...cluster }), NOW).status?.progress?.percent).toBe(percent);
});

it.each([
  ['that tells what it took', succeededResult, { blocks: 11, blocksFinished: 11, blockSteps: 550, iteration: 60 }],
  ['of before that was told', { ...succeededResult, work: undefined }, { blocks: 0, blocksFinished: 0, blockSteps: 0 }],
])('a film whose progress never came is shown as done all the same: a result %s', (_what, result, counts) => {
  const cluster = { jobs: [job(1)], pods: [pod(1, ended(0, result))] };
  expect(decide(observed(cluster), NOW).status?.progress).toMatchObject({ percent: 100, framesReady: 81, ...counts });
});

const plan = { latents: 21, blocks: 11, stride: 8, iterations: 60, blockSteps: 550, precision: 'bfloat16', stages: [] };
const unplanned = progressRecord({ phase: 'Planning', percent: 0, iterations: 0, blockStepsTotal: 0, blocks: 0 });
const whole = { blocks: 11, blocksFinished: 11, blockSteps: 550, blockStepsTotal: 550, iteration: 60, iterations: 60 };
const nothing = { blocks: 0, blocksFinished: 0, blockSteps: 0, blockStepsTotal: 0, iteration: 0, iterations: 0 };

it.each([
  ['the plan that an earlier attempt has told', plan, unplanned, undefined, whole],
  ['its own plan', undefined, { ...unplanned, plan }, undefined, whole],
  [
    'its own last word, whatever was planned',
    plan,
    unplanned,
    { iterations: 6, blocks: 2, blockSteps: 20 },
    { blocks: 2 },
  ],
  ['nothing, where no plan is known', undefined, unplanned, undefined, nothing],
])('what a film took that is ready, and whose progress stopped before its plan, is told by %s', (...given) => {
  const [_what, known, report, work, counts] = given;
  const reported = { 'pod-1': report };
  const cluster = { jobs: [job(1)], reports: reported };
  const status = decide(observed({ ...cluster, pods: [pod(1, running)] }), NOW).status!;
  const film = videoGeneration(withStatus({ ...status, ...(known === undefined ? {} : { plan: known }) }));
  const pods = [pod(1, ended(0, { ...succeededResult, work }))];
  expect(decide(observed({ ...cluster, film, pods }), NOW).status?.progress).toMatchObject({ percent: 100, ...counts });
});

it('a runner got on when it was heard, however long that waited to be written down; what is known already stays', () => {
  const film = videoGeneration(withStatus(before));
  const at = (percent: number, silentMs: number) => {
    const cluster = {
      film,
      jobs: [job(1)],
      pods: [pod(1, running)],
      reports: { 'pod-1': progressRecord({ percent }) },
    };
    return decide(observed({ ...cluster, silentMs }), NOW + 60_000).status?.progress?.lastAdvanceTime;
  };
  expect(at(50, 20_000)).toBe('2026-01-01T00:30:40Z');
  expect(at(37, 20_000)).toBe(before?.progress?.lastAdvanceTime);
});

/** The pod that comes after one that has told how far it came. */
const NEXT = '2026-01-01T00:20:00Z';
it.each<[string, Cluster, Readonly<Record<string, unknown>>]>([
  [
    'while its film is given up',
    { jobs: [job(1)], pods: [pod(1, ended(143)), another] },
    { retries: { failures: 0, disruptions: 0 } },
  ],
  [
    'while it is ended for its start',
    { jobs: [job(1)], pods: [pod(1, ended(143)), { ...pod(1), metadata: another.metadata }] },
    { deadlines: { start: '1m' } },
  ],
  [
    'where its film fails',
    { pods: [pod(1, ended(143)), { ...pod(1, ended(143)), metadata: another.metadata }] },
    { retries: { failures: 0, disruptions: 0 } },
  ],
])('another pod has neither the progress nor the iteration of the one before it: %s', (_what, cluster, spec) => {
  expect(another.metadata.creationTimestamp).toBe(NEXT);
  const of = (status: typeof before, more: Cluster, now: number) =>
    decide(observed({ live: true, film: videoGeneration(withStatus(status), withSpec(spec)), ...more }), now).status;
  const seen = of(before, cluster, NOW + 600_000);
  expect(seen?.progress).toBeUndefined();
  const over = of(seen, { pods: [pod(1, ended(143))] }, NOW + 601_000);
  expect(over?.attempts?.find(({ podUid }) => podUid === 'another')).toBeDefined();
  expect(over?.attempts?.find(({ podUid }) => podUid === 'another')?.iteration).toBeUndefined();
});

it('a runner that began while its Job could not be deleted is shown by what it tells itself', () => {
  const spec = withSpec({ retries: { failures: 0, disruptions: 0 } });
  const of = (status: typeof before, more: Cluster) =>
    decide(observed({ live: true, film: videoGeneration(withStatus(status), spec), jobs: [job(1)], ...more }), NOW)
      .status;
  const pods = [pod(1, ended(143)), another];
  const first = of(before, { pods: [pod(1, ended(143)), { ...pod(1), metadata: another.metadata }] });
  const next = of(first, { pods });
  expect(next?.progress).toBeUndefined();
  const told = { another: progressRecord({ percent: 3, blockSteps: 3 }) };
  expect(of(next, { pods, reports: told })?.progress?.percent ?? 3).toBe(3);
});
