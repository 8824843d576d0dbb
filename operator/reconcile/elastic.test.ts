import { describe, expect, it } from 'vitest';
import { job, withEnd, withGpus, withLabels } from '../../test/build/job.ts';
import { type Cluster, observed } from '../../test/build/observed.ts';
import {
  asNext,
  ended,
  onNode,
  pod,
  running,
  succeededResult,
  withCondition,
  withHealth,
} from '../../test/build/pod.ts';
import { videoGeneration, videoGenerationSpec, withSpec, withStatus } from '../../test/build/video-generation.ts';
import type { Job, Pod } from '../api/kubernetes.ts';
import { LABEL_QUEUE } from '../api/labels.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { decide } from './decide.ts';
import { fewerGpus } from './elastic.ts';
import { settle } from './settle.ts';

const NOW = Date.parse('2026-01-01T00:11:00Z');
const elastic = withSpec({ parallelism: { gpus: 8, minGpus: 2 }, deadlines: { elastic: '10m' } });
const noRoom = {
  type: 'PodScheduled',
  status: 'False',
  reason: 'Unschedulable',
  message: '0/4 nodes are available',
} as const;
const waits = (number: number, gpus = 8): Cluster => ({
  jobs: [gpus === 8 ? job(number) : job(number, withGpus(gpus))],
  pods: [pod(number, withCondition(noRoom))],
});
const broke = (number: number, exitCode: number, words?: object): Cluster => ({
  jobs: [job(number, withEnd('Failed'))],
  pods: [pod(number, ended(exitCode, words))],
});
const error = (code: string) => {
  const said = { code, message: 'x', fixer: 'administrator', exit: 'device' };
  return { contractVersion: 1, outcome: 'failed', framesReady: 0, elapsedSeconds: 9, error: said };
};

/** Ended with a code that is final by the Job's own policy. */
const refused = (number: number, code: string): Cluster => ({
  jobs: [job(number, withEnd('Failed', 'PodFailurePolicy'))],
  pods: [pod(number, ended(30, error(code)))],
});
const ailing = withHealth({ 'GPU-1': 'Healthy', 'GPU-3': 'Unhealthy' });
const unwell = (number: number): Cluster => ({ jobs: [job(number)], pods: [pod(number, running, ailing)] });
const recovered = (number: number): Cluster => ({
  jobs: [job(number)],
  pods: [pod(number, running, withHealth({ 'GPU-1': 'Healthy', 'GPU-3': 'Healthy' }))],
});

describe('the next smaller number of GPUs', () => {
  it.each<[object, number, number | undefined]>([
    [{ gpus: 8 }, 8, undefined],
    [{ gpus: 8, minGpus: 2 }, 8, 4],
    [{ gpus: 8, minGpus: 2 }, 4, 2],
    [{ gpus: 8, minGpus: 2 }, 2, undefined],
    [{ gpus: 8, minGpus: 3 }, 4, 3],
    [{ gpus: 7, minGpus: 1 }, 7, 3],
    [{ gpus: 8, minGpus: 8 }, 8, undefined],
    [{ gpus: 6, minGpus: 2, guidanceParallel: true }, 6, 2],
    [{ gpus: 12, minGpus: 4, guidanceParallel: true }, 12, 6],
  ])('of %j after %i is %s', (parallelism, gpus, fewer) => {
    expect(fewerGpus(videoGenerationSpec({ parallelism }), gpus)).toBe(fewer);
  });

  it('is none where a template says how many there are', () => {
    const runner = { devices: { resourceClaimTemplateName: 'gpus' } };
    expect(fewerGpus(videoGenerationSpec({ parallelism: { gpus: 8, minGpus: 2 }, runner }), 8)).toBeUndefined();
  });
});

describe('an attempt that finds no node', () => {
  const decided = (cluster: Cluster, at = NOW, modify = elastic) =>
    decide(observed({ live: true, ...cluster, film: modify(cluster.film ?? videoGeneration()) }), at);

  it.each<[string, Cluster, number, string]>([
    ['ends after the time that the spec gives it', waits(1), NOW + 1_000, 'ending'],
    ['waits until then', waits(1), NOW, 'live'],
    ['waits on where it has no fewer GPUs to ask for', waits(1, 2), NOW + 3_600_000, 'live'],
    [
      'waits on for another reason than that it finds none',
      { jobs: [job(1)], pods: [pod(1)] },
      NOW + 3_600_000,
      'live',
    ],
    ['goes on once it has its node', { jobs: [job(1)], pods: [pod(1, onNode(), running)] }, NOW + 1_000, 'live'],
  ])('%s', (_what, cluster, at, outcome) => {
    expect(decided(cluster, at).verdict.outcome).toBe(outcome);
  });

  it('waits for ever where the spec gives no least number, or no time', () => {
    for (const fields of [{ deadlines: { elastic: '1m' } }, { parallelism: { gpus: 8, minGpus: 2 } }]) {
      const { verdict } = decided(waits(1), NOW + 3_600_000, withSpec({ deadlines: {}, ...fields }));
      expect(verdict.outcome).toBe('live');
    }
  });

  it('is looked at again when its time is over', () => {
    expect(decided(waits(1), NOW - 60_000).requeueAfterMs).toBe(61_000);
  });
});

/** What a film's attempts take, one after another, with why; and what is counted. */
function story(rounds: readonly (Cluster & { readonly afterMs?: number })[], modify = elastic) {
  let status: VideoGenerationStatus | undefined;
  let now = NOW;
  const starts: unknown[] = [];
  for (const { afterMs = 600_000, ...cluster } of rounds) {
    now += afterMs;
    const film = withStatus(status)(modify(videoGeneration()));
    const decision = decide(observed({ live: true, ...cluster, film }), now);
    for (const action of decision.actions)
      if (action.type === 'create-job') starts.push([action.attempt, action.gpus ?? 8]);
    status = settle(decision, []).status;
  }
  return { starts, status };
}

describe('the next attempt', () => {
  const decidedToEnd = waits(1);
  it.each<[string, readonly Cluster[], readonly unknown[]]>([
    ['takes half of the GPUs where no node had them', [decidedToEnd, {}], [[2, 4]]],
    [
      'takes half of the half',
      [decidedToEnd, {}, waits(2, 4), {}],
      [
        [2, 4],
        [3, 2],
      ],
    ],
    ['takes half where a device failed', [broke(1, 60, error('E_DEVICE_LOST'))], [[2, 4]]],
    ['takes all where the devices had too little memory', [broke(1, 60, error('E_DEVICE_MEMORY'))], [[2, 8]]],
    [
      'takes half where the kubelet called a device unhealthy before it failed, in whatever way',
      [unwell(1), { jobs: [job(1, withEnd('Failed'))], pods: [pod(1, ended(1))] }],
      [[2, 4]],
    ],
    ['takes half where it was lost with a device unhealthy', [unwell(1), {}, {}], [[2, 4]]],
    [
      'takes all where the device was healthy again before the end',
      [unwell(1), recovered(1), { jobs: [job(1, withEnd('Failed'))], pods: [pod(1, ended(1))] }],
      [[2, 8]],
    ],
    [
      'takes all where the devices had too little memory, and one was unhealthy',
      [unwell(1), broke(1, 60, error('E_DEVICE_MEMORY'))],
      [[2, 8]],
    ],
    ['takes half where its pod had fewer devices than it asked for', [refused(1, 'E_DEVICE_COUNT')], [[2, 4]]],
    ['takes all after any other failure', [broke(1, 1)], [[2, 8]]],
    [
      'takes all again where one with fewer has failed otherwise',
      [decidedToEnd, {}, broke(2, 1)],
      [
        [2, 4],
        [3, 8],
      ],
    ],
  ])('%s', (_what, rounds, expected) => {
    expect(story(rounds).starts).toEqual(expected);
  });

  describe('after a smaller one that was taken away', () => {
    const taken = (number: number, ...more: readonly ((pod: Pod) => Pod)[]) => pod(number, ended(10), ...more);
    const smaller: readonly Cluster[] = [decidedToEnd, {}, { jobs: [job(2, withGpus(4))], pods: [pod(2, running)] }];
    const follows = (...more: readonly ((pod: Pod) => Pod)[]) => ({
      jobs: [job(2, withGpus(4))],
      pods: [taken(2), pod(2, asNext, ...more)],
    });

    it.each<[string, Cluster]>([
      ['finds no node', follows(withCondition(noRoom))],
      ['has one and has not started', follows(onNode())],
    ])('asks for all again, where the next pod of its Job %s', (_what, next) => {
      const { starts, status } = story([...smaller, next, { pods: [] }]);
      expect(starts).toEqual([
        [2, 4],
        [3, 8],
      ]);
      expect(status?.attempts).toMatchObject([
        { number: 1, outcome: 'Resized', gpus: 8 },
        { number: 2, outcome: 'Disrupted', gpus: 4 },
        {
          ...{ number: 2, outcome: 'Resized', gpus: 4, reason: 'AllGpusAgain' },
          message:
            'its pod was taken away, and the next one of its Job would have 4 GPUs again: the next attempt asks for 8',
        },
      ]);
      expect([status?.failures, status?.disruptions]).toEqual([0, 1]);
    });

    it('is that other pod, where its runner is at work already', () => {
      const { starts, status } = story([...smaller, follows(onNode(), running)]);
      expect([starts, status?.phase]).toEqual([[[2, 4]], 'Running']);
    });

    it.each<[string, object]>([
      ['nothing says how long all of them are looked for', {}],
      ['it would be late for good before fewer are taken', { start: '10m', elastic: '10m' }],
      ['nothing says that fewer will do any more', { elastic: '10m' }],
    ])('is the next pod of its Job, where %s', (_what, deadlines) => {
      const fewest = Object.keys(deadlines).length === 1 ? {} : { minGpus: 2 };
      const modify = withSpec({ parallelism: { gpus: 8, ...fewest }, deadlines });
      const film = withStatus(story(smaller).status)(modify(videoGeneration()));
      const next = observed({ live: true, frozen: ['job-2'], film, ...follows(onNode()) });
      expect(decide(next, NOW).verdict.outcome).toBe('live');
    });

    it('is that other pod also where its runner began before its Job could be deleted', () => {
      const rounds = [...smaller, follows(onNode()), follows(onNode(), running)];
      const { starts, status } = story(rounds);
      expect([starts, status?.attempts?.at(-1)]).toEqual([
        [[2, 4]],
        expect.not.objectContaining({ reason: 'AllGpusAgain' }),
      ]);
    });

    it('is that other pod only once the objects themselves were read, and not while its Job goes', () => {
      const status = story([...smaller, follows(onNode())]).status;
      const film = withStatus(status)(elastic(videoGeneration()));
      const seen = { frozen: ['job-2'], film, ...follows(onNode(), running) };
      expect(decide(observed({ live: false, ...seen }), NOW).read).toBe(true);
      const leaving = (object: Job): Job => ({
        ...object,
        metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:50:00Z', finalizers: ['example.com/keep'] },
      });
      const going = decide(observed({ live: true, ...seen, jobs: [job(2, withGpus(4), leaving)] }), NOW);
      expect(going.status?.attempts?.at(-1)).toMatchObject({ outcome: 'Running', reason: 'AllGpusAgain' });
    });

    it('is the next pod of its Job, where that is of a queue or was let go', () => {
      const queued = withLabels({ [LABEL_QUEUE]: 'films' });
      const letGo = (object: Job): Job => ({
        ...object,
        status: { startTime: '2026-01-01T00:40:00Z', conditions: [{ type: 'Suspended', status: 'False' }] },
      });
      for (const modify of [queued, letGo]) {
        const { pods } = follows(onNode());
        const film = withStatus(story(smaller).status)(elastic(videoGeneration()));
        const jobs = [job(2, withGpus(4), modify)];
        expect(decide(observed({ live: true, frozen: ['job-2'], film, jobs, pods }), NOW).verdict.outcome).toBe('live');
      }
    });

    it('takes fewer again where no node has all of them', () => {
      const { starts } = story([...smaller, follows(), { pods: [] }, waits(3), {}]);
      expect(starts).toEqual([
        [2, 4],
        [3, 8],
        [4, 4],
      ]);
    });

    it('is the next pod of its Job, where the one before had unhealthy devices', () => {
      const hurt = { jobs: [job(2, withGpus(4))], pods: [pod(2, running, ailing)] };
      const next = { jobs: [job(2, withGpus(4))], pods: [taken(2, ailing), pod(2, asNext, onNode())] };
      const { starts, status } = story([...smaller, hurt, next]);
      expect([starts, status?.attempts?.at(-1)?.outcome]).toEqual([[[2, 4]], 'Waiting']);
    });

    it('is the next pod of its Job, where a queue has taken it away and lets it go on', () => {
      const before = story(smaller).status!;
      const suspended = { ...before.attempts!.at(-1)!, outcome: 'Suspended' as const, reason: 'Suspended' };
      const film = videoGeneration(
        elastic,
        withStatus({ ...before, attempts: [...before.attempts!.slice(0, -1), suspended] }),
      );
      expect(decide(observed({ live: true, frozen: ['job-2'], film, ...follows() }), NOW).verdict.outcome).toBe('live');
    });
  });

  it('takes all where the spec allows no fewer', () => {
    const modify = withSpec({ parallelism: { gpus: 8 } });
    expect(story([broke(1, 60, error('E_DEVICE_LOST'))], modify).starts).toEqual([[2, 8]]);
  });

  it('tells why it takes fewer, and the one before is neither a failure nor a disruption', () => {
    const { status } = story([decidedToEnd, {}, { jobs: [job(2, withGpus(4))], pods: [pod(2, running)] }]);
    const told =
      'no node was found for 8 GPUs within 10m, so the next attempt takes 4; the cluster: 0/4 nodes are available';
    expect(status?.attempts).toMatchObject([
      { number: 1, outcome: 'Resized', gpus: 8, reason: 'GpusNotFree', message: told },
      { number: 2, outcome: 'Running', gpus: 4, gpusReason: `4 of 8 GPUs after attempt 1: GpusNotFree: ${told}` },
    ]);
    expect([status?.failures, status?.disruptions]).toEqual([0, 0]);
  });

  it('keeps the number that was claimed, also where its Job was not made at first', () => {
    expect(story([decidedToEnd, {}, {}]).starts).toEqual([
      [2, 4],
      [2, 4],
    ]);
  });
});

describe('a device that the kubelet calls unhealthy', () => {
  const evicted = { type: 'DisruptionTarget', status: 'True', reason: 'Evicted', message: 'made room' } as const;
  it('is told while its runner goes on, which is left alone', () => {
    const { status, starts } = story([unwell(1)]);
    expect([starts, status?.phase]).toEqual([[], 'Running']);
    expect(status?.conditions.find(({ type }) => type === 'DevicesUnhealthy')).toMatchObject({
      status: 'True',
      message: `the kubelet calls devices of pod ${pod(1).metadata.name} unhealthy, and the runner goes on: nvidia.com/gpu GPU-3`,
    });
    expect(status?.attempts).toMatchObject([{ outcome: 'Running', unhealthyDevices: ['nvidia.com/gpu GPU-3'] }]);
  });

  it.each<[string, Cluster, string, string]>([
    ['failed', broke(1, 60, error('E_DEVICE_LOST')), 'E_DEVICE_LOST', 'x'],
    ['was taken away', { jobs: [job(1)], pods: [pod(1, ended(137), withCondition(evicted))] }, 'Evicted', 'made room'],
    ['is gone', {}, 'PodLost', `pod ${pod(1).metadata.name} is gone`],
  ])('is named by an attempt that %s, and by why the next one takes fewer', (_what, end, reason, message) => {
    const { status } = story([unwell(1), end, {}]);
    const told = `${message}; its kubelet called unhealthy: nvidia.com/gpu GPU-3`;
    expect(status?.attempts).toMatchObject([{ reason, message: told, unhealthyDevices: ['nvidia.com/gpu GPU-3'] }]);
    expect(status?.claim?.sized).toEqual({ gpus: 4, why: `4 of 8 GPUs after attempt 1: ${reason}: ${told}` });
  });

  it('ends no wait of a pod that follows a suspension: the one before was not taken away for its devices', () => {
    const before = { ...story([unwell(1)]).status!.attempts![0]!, outcome: 'Suspended' as const, reason: 'Suspended' };
    const waits = { jobs: [job(1)], pods: [pod(1, asNext, withCondition(noRoom))] };
    const film = videoGeneration(elastic, withStatus({ ...story([unwell(1)]).status!, attempts: [before] }));
    expect(decide(observed({ live: true, frozen: ['job-1'], film, ...waits }), NOW).verdict.outcome).toBe('live');
  });

  it('ends the wait of the next pod of its Job for as many GPUs at once, also where nothing is set', () => {
    const taken = pod(1, ended(137), withCondition(evicted));
    const next = { jobs: [job(1)], pods: [taken, pod(1, asNext, withCondition(noRoom))], afterMs: 1_000 };
    const modify = withSpec({ parallelism: { gpus: 8, minGpus: 2 } });
    const { starts, status } = story([unwell(1), next, { jobs: [], pods: [] }], modify);
    expect(starts).toEqual([[2, 4]]);
    expect(status?.attempts?.at(-1)).toMatchObject({
      outcome: 'Resized',
      message:
        'no node was found for 8 GPUs after devices were unhealthy, so the next attempt takes 4; the cluster: 0/4 nodes are available',
    });
  });

  it('changes nothing of a film that was made all the same', () => {
    const made = { jobs: [job(1, withEnd('Complete'))], pods: [pod(1, ended(0, succeededResult), ailing)] };
    const { status } = story([unwell(1), made]);
    expect(status?.attempts).toMatchObject([{ outcome: 'Succeeded' }]);
    expect(status?.attempts?.[0]).not.toHaveProperty('unhealthyDevices');
    expect(status?.conditions.find(({ type }) => type === 'DevicesUnhealthy')?.status).toBe('False');
  });
});

describe('a pod with fewer devices than it was promised', () => {
  const all = withSpec({ parallelism: { gpus: 8 }, retries: { failures: 1, disruptions: 0 } });

  it('is a failure like any other where nothing says how few GPUs will do: another node may have them all', () => {
    const { starts, status } = story([refused(1, 'E_DEVICE_COUNT')], all);
    expect([starts, status?.phase, status?.failures]).toEqual([[[2, 8]], 'Queued', 1]);
  });

  it('ends the film when its retries are used up', () => {
    const { status } = story([refused(1, 'E_DEVICE_COUNT'), refused(2, 'E_DEVICE_COUNT')], all);
    expect([status?.phase, status?.reason]).toEqual(['Failed', 'FailuresExhausted']);
    expect(status?.message).toContain('E_DEVICE_COUNT');
  });

  it('is the only one of its exit code that another try may mend', () => {
    const { starts, status } = story([refused(1, 'E_PLAN_MEMORY')], all);
    expect([starts, status?.phase, status?.reason]).toEqual([[], 'Failed', 'E_PLAN_MEMORY']);
  });
});
