import { describe, expect, it } from 'vitest';
import { job, withGpus } from '../../test/build/job.ts';
import { type Cluster, observed } from '../../test/build/observed.ts';
import { asNext, ended, pod, running, withCondition } from '../../test/build/pod.ts';
import { videoGeneration, withSpec, withStatus } from '../../test/build/video-generation.ts';
import type { Job } from '../api/kubernetes.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { decide } from './decide.ts';
import { settle } from './settle.ts';

const NOW = Date.parse('2026-01-01T00:11:00Z');
const HOUR_MS = 3_600_000;
const elastic = withSpec({ parallelism: { gpus: 8, minGpus: 2 }, deadlines: { elastic: '10m' } });
const evicted = { type: 'DisruptionTarget', status: 'True', reason: 'Evicted', message: 'made room' } as const;
const noRoom = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/4 nodes' } as const;
const jobOf = (number: number, gpus: number) => (gpus === 8 ? job(number) : job(number, withGpus(gpus)));

/** The Job controller is refused the pod of a Job. */
const refused = (number: number, message: string): NonNullable<Cluster['events']> =>
  [
    {
      metadata: { name: 'refused', namespace: 'films' },
      involvedObject: { uid: `job-${number}` },
      reason: 'FailedCreate',
      lastTimestamp: '2026-01-01T12:00:00Z',
      message: `Error creating: pods "x" is forbidden: ${message}`,
    },
  ] as never;
const noQuotaFor = (gpus: number) =>
  `exceeded quota: gpus, requested: requests.nvidia.com/gpu=${gpus}, used: requests.nvidia.com/gpu=6, limited: requests.nvidia.com/gpu=8`;

const leaving = (object: Job): Job => ({
  ...object,
  metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:11:00Z', finalizers: ['foregroundDeletion'] },
});

/** One round after another, an hour apart. */
function story(rounds: readonly ((start: readonly [number, number]) => Cluster)[]) {
  let status: VideoGenerationStatus | undefined;
  let now = NOW;
  const starts: (readonly [number, number])[] = [[1, 8]];
  const verdicts = rounds.map((clusterOf) => {
    now += HOUR_MS;
    const film = withStatus(status)(elastic(videoGeneration()));
    const decision = decide(observed({ live: true, film, ...clusterOf(starts.at(-1)!) }), now);
    for (const action of decision.actions)
      if (action.type === 'create-job') starts.push([action.attempt, action.gpus ?? 8]);
    status = settle(decision, []).status;
    return decision.verdict.outcome;
  });
  return { starts, verdicts, status };
}

describe('where the quota of a namespace has no room for a pod', () => {
  const isRefused = ([number, gpus]: readonly [number, number]): Cluster => ({
    jobs: [jobOf(number, gpus)],
    events: refused(number, noQuotaFor(gpus)),
  });
  const isGone = (): Cluster => ({});

  it('with its GPUs, the next attempts take fewer and fewer, as where no node has so many', () => {
    const { starts, status } = story([isRefused, isGone, isRefused, isGone]);
    expect(starts).toEqual([
      [1, 8],
      [2, 4],
      [3, 2],
    ]);
    expect(status?.attempts).toMatchObject([
      { number: 1, outcome: 'Resized', gpus: 8, reason: 'GpusNotFree', message: expect.stringContaining('quota') },
      { number: 2, outcome: 'Resized', gpus: 4, gpusReason: expect.stringMatching(/^4 of 8 GPUs after attempt 1/) },
    ]);
    expect(status).toMatchObject({ failures: 0, disruptions: 0 });
  });

  it('that follows one which was taken away, fewer are taken, too', () => {
    const taken = pod(1, ended(137), withCondition(evicted));
    const { verdicts } = story([
      () => ({ jobs: [job(1)], pods: [pod(1, running)] }),
      () => ({ jobs: [job(1)], pods: [taken], events: refused(1, noQuotaFor(8)) }),
      () => ({ jobs: [job(1)], pods: [taken], events: refused(1, noQuotaFor(8)) }),
    ]);
    expect(verdicts).toEqual(['live', 'live', 'ending']);
  });

  it.each([
    'exceeded quota: objects, requested: pods=1, used: pods=50, limited: pods=50',
    'exceeded quota: memory, requested: requests.memory=64Gi, used: requests.memory=1Ti, limited: requests.memory=1Ti',
    'denied by policy',
  ])('for another reason than GPUs, the attempt waits: %s', (message) => {
    expect(story([() => ({ jobs: [job(1)], events: refused(1, message) })]).verdicts).toEqual(['live']);
  });

  it.each<[string, number, Partial<Cluster>, string, readonly string[]]>([
    ['a moment later', 1000, {}, 'ending', ['delete-job']],
    ['29 minutes later', 29 * 60_000, {}, 'ending', ['delete-job']],
    ['where the quota has room meanwhile', 1000, { events: [] }, 'ending', ['delete-job']],
    ['where it has made a pod that waits', 1000, { pods: [pod(1)] }, 'ending', ['delete-job']],
    ['where it goes', 1000, { jobs: [leaving(job(1))] }, 'live', []],
    ['where its pod works after all', 1000, { pods: [pod(1, running)] }, 'live', []],
  ])('a Job that could not be deleted goes all the same: %s', (_what, laterMs, more, verdict, actions) => {
    const of = (status: VideoGenerationStatus | undefined, cluster: Cluster, now: number) =>
      decide(
        observed({ live: true, frozen: ['job-1'], film: withStatus(status)(elastic(videoGeneration())), ...cluster }),
        now,
      );
    const first = of(undefined, isRefused([1, 8]), NOW);
    expect(first.status?.attempts).toMatchObject([{ outcome: 'Resized' }]);
    const next = of(first.status, { ...isRefused([1, 8]), ...more }, NOW + laterMs);
    expect([next.verdict.outcome, next.actions.map(({ type }) => type)]).toEqual([verdict, actions]);
    expect(next.status?.attempts?.filter(({ outcome }) => outcome === 'Resized')).toHaveLength(1);
  });

  it('and one is made before its Job could be deleted, that one ends for the same reason, and is no disruption', () => {
    const late = { jobs: [job(1)], pods: [pod(1, asNext, withCondition(noRoom))] };
    const { starts, status } = story([isRefused, () => late, isGone, isGone]);
    expect(starts.at(-1)).toEqual([2, 4]);
    expect(status?.attempts).toMatchObject([{ outcome: 'Resized' }, { outcome: 'Resized', reason: 'GpusNotFree' }]);
    expect(status?.disruptions).toBe(0);
  });
});
