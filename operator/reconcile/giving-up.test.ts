import { describe, expect, it } from 'vitest';
import { job, withEnd } from '../../test/build/job.ts';
import { type Cluster, observed } from '../../test/build/observed.ts';
import {
  asNext,
  ended,
  onNode,
  pod,
  running,
  succeededResult,
  withStatus as withPodStatus,
} from '../../test/build/pod.ts';
import { videoGeneration, withSpec, withStatus } from '../../test/build/video-generation.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { decide } from './decide.ts';

const NOW = Date.parse('2026-01-01T01:00:00Z');

/** What is done and said of a film in one round after another. */
function rounds(spec: Readonly<Record<string, unknown>>, ...all: readonly Cluster[]) {
  let status: VideoGenerationStatus | undefined;
  return all.map((cluster) => {
    const film = withStatus(status)(videoGeneration(withSpec(spec)));
    const { actions, status: told } = decide(observed({ live: true, frozen: ['job-1'], film, ...cluster }), NOW);
    status = told;
    const ends = status?.attempts?.map(({ outcome, reason }) => [outcome, reason].filter(Boolean).join(': '));
    return [status?.phase, status?.disruptions, ends, actions.map(({ type }) => type)];
  });
}

describe('a film that has used up its disruptions, whose Job has made the next pod already', () => {
  const gone = pod(1, ended(143));
  const next = (...changes: Parameters<typeof pod>[1][]) => ({
    jobs: [job(1)],
    pods: [gone, pod(1, asNext, ...changes)],
  });
  const lost = 'Disrupted: RunnerStopped';
  const ending = (pod: string) => ['Running', 1, [lost, `${pod}: DisruptionsExhausted`], ['delete-job']];
  const over = ['Failed', 1, [lost, 'Failed: DisruptionsExhausted'], []];
  const between = { jobs: [job(1)], pods: [gone] };
  const taken = { ...job(1), metadata: { ...job(1).metadata, deletionTimestamp: '2026-01-01T01:00:00Z' } };
  const jobless = (...changes: Parameters<typeof pod>[1][]) => ({ pods: next(...changes).pods });

  it.each<[string, readonly Cluster[], readonly unknown[]]>([
    ['gives it up once that pod has ended', [next(running), jobless(ended(10))], [ending('Running'), over]],
    ['or is gone', [next(running), {}], [ending('Running'), over]],
    [
      'and waits for that while the pod has its time to end',
      [next(running), jobless(running), jobless(ended(143))],
      [ending('Running'), ['Running', 1, [lost, 'Running: DisruptionsExhausted'], []], over],
    ],
    [
      'has the film that the pod makes at its end all the same',
      [next(running), jobless(ended(0, succeededResult))],
      [ending('Running'), ['Succeeded', 1, [lost, 'Succeeded'], []]],
    ],
    [
      'leaves a pod alone that has the film already',
      [
        next(ended(0, succeededResult), withPodStatus({ phase: 'Running' })),
        { jobs: [job(1, withEnd('Complete'))], pods: next(ended(0, succeededResult)).pods },
      ],
      [
        ['Running', 1, [lost, 'Running'], []],
        ['Succeeded', 1, [lost, 'Succeeded'], []],
      ],
    ],
    [
      'asks again for what was decided before, until the Job is gone',
      [next(running), next(running)],
      [ending('Running'), ending('Running')],
    ],
    [
      'says of a pod that failed by itself how it did',
      [next(running), jobless(ended(40))],
      [ending('Running'), ['Failed', 1, [lost, 'Failed: RunnerFailed'], []]],
    ],
    [
      'ends a Job first that has not made it yet, and has the film that it makes meanwhile',
      [between, between, jobless(ended(0, succeededResult))],
      [
        ['Queued', 1, [lost], ['delete-job']],
        ['Queued', 1, [lost], ['delete-job']],
        ['Succeeded', 1, [lost, 'Succeeded'], []],
      ],
    ],
    [
      'and gives it up once that is gone',
      [between, { pods: [gone] }],
      [
        ['Queued', 1, [lost], ['delete-job']],
        ['Failed', 1, [lost], []],
      ],
    ],
    [
      'leaves a Job that somebody else takes away to them',
      [{ ...next(running), jobs: [taken] }, {}],
      [
        ['Running', 1, [lost, 'Running'], []],
        ['Failed', 2, [lost, 'Disrupted: PodLost'], []],
      ],
    ],
  ])('%s', (_what, clusters, expected) => {
    expect(rounds({ retries: { failures: 0, disruptions: 0 } }, ...clusters)).toEqual(expected);
  });
});

describe('a film whose last attempt is over for a deadline, before its Job is gone', () => {
  const late = { retries: { failures: 0, disruptions: 9 }, deadlines: { start: '5m' } };
  const begun = { ...job(1), status: { startTime: '2026-01-01T00:01:00Z' } };
  const noPod = 'Failed: StartDeadlineExceeded';

  it.each<[string, readonly Cluster[], readonly unknown[]]>([
    [
      'ends the pod that came after all, and is given up after it',
      [{ jobs: [begun] }, { jobs: [begun], pods: [pod(1, onNode())] }, { pods: [pod(1, ended(143))] }],
      [
        ['Queued', 0, [noPod], ['delete-job']],
        ['Starting', 0, [noPod, 'Waiting: GivenUp'], ['delete-job']],
        ['Failed', 0, [noPod, 'Failed: GivenUp'], []],
      ],
    ],
    [
      'is ready where that pod has made it meanwhile',
      [{ jobs: [begun] }, { jobs: [begun], pods: [pod(1, running)] }, { pods: [pod(1, ended(0, succeededResult))] }],
      [
        ['Queued', 0, [noPod], ['delete-job']],
        ['Running', 0, [noPod, 'Running: GivenUp'], ['delete-job']],
        ['Succeeded', 0, [noPod, 'Succeeded'], []],
      ],
    ],
    [
      'ends the pod that its Job made in place of the one that was to be the last',
      [
        { jobs: [begun], pods: [pod(1, onNode())] },
        { jobs: [begun], pods: [pod(1, ended(143)), pod(1, asNext, running)] },
        { pods: [pod(1, ended(143)), pod(1, asNext, ended(0, succeededResult))] },
      ],
      [
        ['Starting', 0, ['Waiting: StartDeadlineExceeded'], ['delete-job']],
        ['Running', 0, [noPod, 'Running: GivenUp'], ['delete-job']],
        ['Succeeded', 0, [noPod, 'Succeeded'], []],
      ],
    ],
  ])('%s', (_what, clusters, expected) => {
    expect(rounds(late, ...clusters)).toEqual(expected);
  });
});

describe('a Job that says itself that no other try mends its end, whose attempt the list has lost sight of', () => {
  const head = (number: number) => ({ number, job: `lighthouse-3f2a9c1b-${number}`, generation: 1 });
  const written = (claimed: number): VideoGenerationStatus => ({
    ...{ observedGeneration: 1, phase: 'Running', failures: 2, disruptions: 1, startTime: '2026-01-01T00:01:00Z' },
    conditions: [],
    claim: { ...head(claimed), attempt: claimed, specHash: '', jobUid: `job-${claimed}`, frozen: true },
    attempts: [
      { ...head(1), podUid: 'pod-1', outcome: 'Disrupted', recordedTime: '2026-01-01T00:02:00Z' },
      ...(claimed === 1
        ? []
        : [{ ...head(2), podUid: 'pod-2', outcome: 'Failed' as const, recordedTime: '2026-01-01T00:20:00Z' }]),
      ...(claimed === 3 ? [{ ...head(3), podUid: 'pod-3', outcome: 'Running' as const }] : []),
    ],
    earlierAttempts: { count: 1, number: 1, pods: ['d-1-lost'] },
  });
  const first = job(1, withEnd('Failed', 'PodFailurePolicy', 'exit code 30'));
  const second = job(2, withEnd('Failed'));

  it.each<[string, number, Cluster, string]>([
    [
      'ends nothing while a later one is at work',
      3,
      { jobs: [first, second, job(3)], pods: [pod(3, running)] },
      'live',
    ],
    [
      'nor when that has made no pod, or waits for its turn',
      3,
      { jobs: [first, second, { ...job(3), spec: { ...job(3).spec, suspend: true } }] },
      'live',
    ],
    ['nor when a later one has failed, and may be repeated', 2, { jobs: [first, second] }, 'later'],
    ['nor when that is gone', 2, { jobs: [first] }, 'later'],
    ['ends the film where none came after it', 1, { jobs: [first] }, 'failed'],
  ])('%s', (_what, claimed, cluster, expected) => {
    const film = videoGeneration(withSpec({ retries: { failures: 3, disruptions: 9 } }), withStatus(written(claimed)));
    const frozen = ['job-1', 'job-2', 'job-3'];
    const now = Date.parse('2026-01-01T00:20:05Z');
    expect(decide(observed({ live: true, frozen, film, ...cluster }), now).verdict.outcome).toBe(expected);
  });
});
