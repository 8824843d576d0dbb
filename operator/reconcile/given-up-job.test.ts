import { describe, expect, it } from 'vitest';
import { job, withEnd, withGpus } from '../../test/build/job.ts';
import { type Cluster, observed } from '../../test/build/observed.ts';
import { asNext, ended, onNode, outlived, pod, running } from '../../test/build/pod.ts';
import { videoGeneration, withSpec, withStatus } from '../../test/build/video-generation.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { decide } from './decide.ts';

const NOW = Date.parse('2026-01-01T01:00:00Z');

/** The statuses of a film in one round after another, ten minutes apart. */
function lived(spec: Readonly<Record<string, unknown>>, ...all: readonly Cluster[]): readonly VideoGenerationStatus[] {
  let status: VideoGenerationStatus | undefined;
  return all.flatMap((cluster, round) => {
    const film = withStatus(status)(videoGeneration(withSpec(spec)));
    status = decide(
      observed({ live: true, frozen: ['job-1', 'job-2'], film, ...cluster }),
      NOW + 600_000 * round,
    ).status;
    return status === undefined ? [] : [status];
  });
}

const endsOf = ({ attempts = [] }: Partial<VideoGenerationStatus> = {}) =>
  attempts.map(({ outcome, reason }) => [outcome, reason].filter(Boolean).join(': '));
const leaving = (number: number) => ({
  ...job(number),
  metadata: { ...job(number).metadata, deletionTimestamp: '2026-01-01T01:00:00Z', finalizers: ['foregroundDeletion'] },
});
const gone = pod(1, ended(143));
const next = (...changes: Parameters<typeof pod>[1][]) => pod(1, asNext, ...changes);
const none = { retries: { failures: 0, disruptions: 0 } };
const late = { retries: { failures: 0, disruptions: 9 }, deadlines: { start: '5m' } };
const begun = { ...job(1), status: { startTime: '2026-01-01T00:01:00Z' } };
const between: Cluster = { jobs: [job(1)], pods: [gone] };
const quota = {
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: 'e', namespace: 'films', resourceVersion: '300', creationTimestamp: '2026-01-01T00:02:00Z' },
  involvedObject: { kind: 'Job', name: job(1).metadata.name, namespace: 'films', uid: 'job-1' },
  reason: 'FailedCreate',
  message:
    'Error creating: pods "x" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=8, used: requests.nvidia.com/gpu=8, limited: requests.nvidia.com/gpu=8',
} as const;
const elastic = { parallelism: { gpus: 8, minGpus: 2 }, deadlines: { elastic: '30m' } };
const full: Cluster = { jobs: [job(1, withGpus(8))], events: [quota] };

describe('a pod that comes to light after the operator has deleted its Job', () => {
  const used = 'Failed: DisruptionsExhausted';
  const lost = 'Disrupted: RunnerStopped';
  const noPod = 'Failed: StartDeadlineExceeded';

  it.each<[string, Readonly<Record<string, unknown>>, readonly Cluster[], number, readonly string[]]>([
    [
      'at work, is taken away by that',
      none,
      [between, { pods: [gone, next(running)] }, { pods: [gone, next(ended(143))] }],
      1,
      [lost, used],
    ],
    ['at work, and is gone then', none, [between, { pods: [gone, next(running)] }, { pods: [gone] }], 1, [lost, used]],
    ['before it has a node', none, [between, { pods: [gone, next()] }, { pods: [gone] }], 1, [lost, used]],
    [
      'while its Job waits for a finalizer',
      none,
      [between, { jobs: [leaving(1)], pods: [gone, next(running)] }, { pods: [gone, next(ended(143))] }],
      1,
      [lost, used],
    ],
    [
      'and failed by itself, says how',
      none,
      [between, { pods: [gone, next(running)] }, { pods: [gone, next(ended(60))] }],
      1,
      [lost, 'Failed: RunnerFailed'],
    ],
    [
      'where the start of the film came too late',
      late,
      [{ jobs: [begun] }, { pods: [pod(1, running)] }, { pods: [pod(1, ended(143))] }],
      0,
      [noPod, 'Failed: GivenUp'],
    ],
    [
      'where it had found no GPUs',
      elastic,
      [full, { pods: [pod(1, running)] }, { pods: [pod(1, ended(143))] }],
      0,
      ['Resized: GpusNotFree', 'Resized: GpusNotFree'],
    ],
  ])('%s: the cluster took nothing away', (_what, spec, clusters, disruptions, ends) => {
    const last = lived(spec, ...clusters).at(-1);
    expect([last?.disruptions, endsOf(last)]).toEqual([disruptions, ends]);
  });

  it.each<[string, Cluster]>([
    ['ended already', { jobs: [leaving(1)], pods: [gone, next(ended(143))] }],
    ['is gone', { pods: [gone] }],
  ])('and %s, adds nothing', (_what, cluster) => {
    expect(lived(none, between, cluster).at(-1)?.disruptions).toBe(1);
  });

  it('is a disruption where somebody else has deleted its Job', () => {
    const clusters = [{ jobs: [job(1)], pods: [pod(1, running)] }, { pods: [pod(1, running)] }, {}];
    expect(lived({ retries: { failures: 0, disruptions: 5 } }, ...clusters).at(-1)?.disruptions).toBe(1);
  });
});

describe('a film that is given up as soon as its last pod has ended', () => {
  const final = job(1, withEnd('Failed', 'PodFailurePolicy'));

  it.each<[string, Readonly<Record<string, unknown>>, readonly Cluster[], string]>([
    [
      'for its disruptions',
      none,
      [{ jobs: [job(1)], pods: [gone, next(running)] }, { pods: [gone, next(running)] }],
      'DisruptionsExhausted',
    ],
    [
      'also while it is suspended',
      { ...none, suspend: true },
      [between, { pods: [gone, next(running)] }],
      'DisruptionsExhausted',
    ],
    [
      'for a deadline',
      late,
      [{ jobs: [begun], pods: [pod(1, onNode())] }, { pods: [pod(1, onNode())] }],
      'StartDeadlineExceeded',
    ],
    [
      'for a stall, where nothing may fail any more',
      { retries: { failures: 0, disruptions: 9 }, deadlines: { stall: '1m' } },
      [
        { jobs: [job(1)], pods: [pod(1, running)], silentMs: 1e9 },
        { jobs: [job(1)], pods: [pod(1, running)], silentMs: 1e9 },
        { pods: [pod(1, running)], silentMs: 1e9 },
      ],
      'FailuresExhausted',
    ],
    [
      'for an end that no other try mends, while a container of somebody else goes on',
      none,
      [{ jobs: [final], pods: [pod(1, ended(20), outlived)] }],
      'GivenUp',
    ],
  ])('%s says so, and speaks of no next attempt', (_what, spec, clusters, reason) => {
    const status = lived(spec, ...clusters).at(-1);
    expect(status?.reason).toBe(reason);
    const told = [status?.message, ...(status?.conditions ?? []).map(({ message }) => message)];
    expect(told.filter((text) => /next attempt|to go on/.test(text ?? ''))).toEqual([]);
    expect(['Running', 'Starting']).toContain(status?.phase);
  });

  it('is Scheduled as long as a pod has its GPUs, and no longer', () => {
    const scheduled = lived(none, between, { pods: [gone, next(running)] }).map(
      ({ conditions }) => conditions.find(({ type }) => type === 'Scheduled')?.status,
    );
    expect(scheduled).toEqual(['False', 'True']);
  });

  it('waits for another attempt where one is to follow', () => {
    const clusters = [{ jobs: [job(1)], pods: [pod(1, running)] }, { pods: [pod(1, running)] }];
    const spec = { retries: { failures: 0, disruptions: 5 } };
    expect(lived(spec, ...clusters).at(-1)?.reason).toBe('PodLeaving');
  });

  it.each<[string, Readonly<Record<string, unknown>>, readonly Cluster[], string]>([
    ['between pods', none, [between, { jobs: [leaving(1)], pods: [gone] }], 'DisruptionsExhausted'],
    [
      'with a pod at work',
      none,
      [
        { jobs: [job(1)], pods: [gone, next(running)] },
        { jobs: [leaving(1)], pods: [gone, next(running)] },
        { jobs: [leaving(1)], pods: [gone, next(running)] },
      ],
      'DisruptionsExhausted',
    ],
    [
      'with a pod that is late',
      late,
      [
        { jobs: [begun], pods: [pod(1, onNode())] },
        { jobs: [leaving(1)], pods: [pod(1, onNode())] },
        { jobs: [leaving(1)], pods: [pod(1, onNode())] },
      ],
      'StartDeadlineExceeded',
    ],
    ['without a pod', late, [{ jobs: [begun] }, { jobs: [leaving(1)] }, { jobs: [leaving(1)] }], 'GivenUp'],
  ])(
    'stays so while its Job, which the operator has deleted, waits for a finalizer: %s',
    (_what, spec, clusters, is) => {
      expect(lived(spec, ...clusters).at(-1)?.reason).toBe(is);
    },
  );
});
