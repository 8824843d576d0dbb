import { describe, expect, it } from 'vitest';
import { job, withEnd, withGpus } from '../../test/build/job.ts';
import { type Cluster, observed, progressRecord } from '../../test/build/observed.ts';
import {
  asNext,
  ended,
  onNode,
  pod,
  running,
  succeededResult,
  withCondition,
  withContainer,
  withHealth,
  withStatus,
} from '../../test/build/pod.ts';
import { videoGeneration, withStatus as withFilmStatus, withSpec } from '../../test/build/video-generation.ts';
import type { Job, Pod } from '../api/kubernetes.ts';
import { ANNOTATION_SPEC_HASH, LABEL_QUEUE } from '../api/labels.ts';
import { PASSED_ON, PLACES, type Place } from '../api/reason-places.ts';
import { REASONS } from '../api/reasons.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { decide } from './decide.ts';
import { type ActionOutcome, type Settlement, settle } from './settle.ts';

const NOW = Date.parse('2026-01-01T00:30:00Z');
const frozen = ['job-1', 'job-2'];
const late = { finishedAt: '2026-01-01T00:29:55Z' };
const failedPod = (fields: Parameters<typeof withStatus>[0]) =>
  pod(1, onNode(), withStatus({ phase: 'Failed', ...fields }));
const one = (made: Pod, more: Partial<Cluster> = {}): Cluster => ({ jobs: [job(1)], pods: [made], frozen, ...more });
const over = (made: Pod, retries = { failures: 3, disruptions: 20 }): Cluster => ({
  film: videoGeneration(withSpec({ retries })),
  jobs: [job(1, withEnd('Failed'))],
  pods: [made],
  live: true,
});
const quota = {
  metadata: { name: 'e', namespace: 'films', resourceVersion: '5' },
  involvedObject: { uid: 'job-1', name: 'lighthouse-3f2a9c1b-1' },
  reason: 'FailedCreate',
  message: 'exceeded quota: gpus',
};
const stopped = job(1, (object) => ({ ...object, spec: { ...object.spec, parallelism: 0 } }));
const suspended = job(1, (object) => ({ ...object, spec: { ...object.spec, suspend: true } }));
const queued = {
  ...suspended,
  metadata: { ...suspended.metadata, labels: { ...suspended.metadata.labels, [LABEL_QUEUE]: 'gpu' } },
};
const metadata = (fields: object) => (object: Job) => ({ ...object, metadata: { ...object.metadata, ...fields } });
const outdated = job(1, metadata({ annotations: { [ANNOTATION_SPEC_HASH]: 'another' } }));
const leaving = job(1, metadata({ deletionTimestamp: '2026-01-01T00:20:00Z', finalizers: ['example.com/keep'] }));
const hostPath = withSpec({ model: { ref: 'm', source: { hostPath: { path: '/m' } } } });
const unheard = withSpec({ negativePrompt: 'blurry', sampling: { guidanceScale: 1 } });
const edited = withSpec({ runner: { image: 'another:1' } });
const atIteration17 = { contractVersion: 1, outcome: 'failed', framesReady: 0, elapsedSeconds: 9, iteration: 17 };
const warned = { 'pod-1': progressRecord({ warnings: ['slow disk'] }) };

interface Round {
  readonly cluster: Cluster;
  readonly came?: readonly ActionOutcome[];
  /** After so long. */
  readonly laterMs?: number;
}

const refusal = (final: boolean): readonly ActionOutcome[] => [
  { action: { type: 'create-job', attempt: 1 }, result: 'refused', detail: 'exceeded quota', final },
];
const hurried = (deadlines: object) => ({ film: videoGeneration(withSpec({ deadlines })) });
const leavingPod = (made: Pod): Pod => {
  return { ...made, metadata: { ...made.metadata, deletionTimestamp: '2026-01-01T00:30:20Z' } };
};
const begun = { ...job(1), status: { startTime: '2026-01-01T00:01:00Z' } };
/** A Job that takes too long, and what becomes of its pod. */
const outOfTime = (deadlines: object, made: Pod, more: Partial<Cluster> = {}): readonly Round[] => [
  { cluster: { ...hurried(deadlines), jobs: [begun], pods: [made], frozen, live: true, ...more } },
  { cluster: { ...hurried(deadlines), pods: [leavingPod(made)], live: true } },
  { cluster: { ...hurried(deadlines), live: true } },
];
const withSidecar = (exitCode: number): Pod => {
  const made = pod(1, ended(exitCode), withStatus({ phase: 'Running' }));
  const [runner] = made.status!.containerStatuses!;
  return withStatus({ containerStatuses: [runner!, { name: 'mesh', state: { running: {} } }] })(made);
};
const noRoom = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'no room' } as const;
const fewer = { parallelism: { gpus: 8, minGpus: 2 }, deadlines: { elastic: '5m' } };
const outOfGpus = { film: videoGeneration(withSpec(fewer)), frozen };
/** What has used up the retries of a film whose next pod is there already, and what becomes of that one. */
const usedUp = (retries: object, before: Cluster, next: Pod): readonly Round[] => {
  const film = { film: videoGeneration(withSpec({ retries })), frozen, live: true };
  const { jobs = [], pods = [] } = before;
  return [
    { cluster: { ...film, jobs, pods: [...pods, next] } },
    { cluster: { ...film, jobs: jobs.slice(0, -1), pods: [...pods, leavingPod(next)] } },
    { cluster: { ...film, jobs: jobs.slice(0, -1), pods } },
  ];
};
const failures = (jobs: number, end: ReturnType<typeof ended>): Cluster => {
  const numbers = Array.from({ length: jobs }, (_, index) => index + 1);
  const made = [...numbers.map((number) => job(number, withEnd('Failed'))), job(jobs + 1)];
  return { jobs: made, pods: numbers.map((number) => pod(number, end)) };
};
const STANDS = [withCondition(noRoom), onNode(), running];
const USED_UP = STANDS.flatMap((stands): (typeof DEADLINES)[number][] => [
  [
    ['DisruptionsExhausted'],
    ...usedUp({ failures: 0, disruptions: 0 }, { jobs: [job(1)], pods: [pod(1, ended(10))] }, pod(1, asNext, stands)),
  ],
  [['GivenUp'], ...usedUp({ failures: 9 }, failures(1, ended(40)), pod(2, stands))],
  [['FailuresExhausted'], ...usedUp({ failures: 0 }, failures(1, ended(60)), pod(2, stands))],
  [['FailsAtSameIteration'], ...usedUp({ failures: 9 }, failures(3, ended(60, atIteration17)), pod(4, stands))],
]);
const DEADLINES: readonly (readonly [readonly string[], ...Round[]])[] = [
  [['StartDeadlineExceeded'], ...outOfTime({ start: '5m' }, pod(1))],
  [['StartDeadlineExceeded'], ...outOfTime({ start: '5m' }, pod(1, onNode()))],
  [
    ['GpusNotFree', 'AttemptResized', 'SmallerJobStarted'],
    { cluster: { ...outOfGpus, jobs: [begun], pods: [pod(1, withCondition(noRoom))], live: true } },
    { cluster: { ...outOfGpus, live: true }, came: [{ action: { type: 'create-job', attempt: 2 }, result: 'done' }] },
  ],
  ...[withCondition(noRoom), onNode()].map((stands): (typeof DEADLINES)[number] => [
    ['AllGpusAgain', 'AttemptResized'],
    { cluster: { ...outOfGpus, jobs: [job(1, withGpus(4))], pods: [pod(1, running)], live: true } },
    {
      cluster: {
        ...outOfGpus,
        jobs: [job(1, withGpus(4))],
        pods: [pod(1, ended(10)), pod(1, asNext, stands)],
        live: true,
      },
    },
    { cluster: { ...outOfGpus, live: true } },
  ]),
  ...[9, 0].map((iteration): (typeof DEADLINES)[number] => [
    [iteration > 0 ? 'AttemptGoesOn' : 'AttemptBeginsAnew'],
    {
      cluster: {
        jobs: [job(1, withEnd('Failed')), job(2)],
        pods: [pod(1, ended(1)), pod(2, running)],
        reports: { 'pod-2': progressRecord({ resumedFrom: { iteration } }) },
      },
    },
  ]),
  [
    ['ActiveDeadlineExceeded'],
    { cluster: { ...one(pod(1, running)), ...hurried({ active: '5m' }) } },
    ...outOfTime({ active: '5m' }, pod(1, running)).map((round) => ({ ...round, laterMs: 600_000 })),
  ],
  [
    ['Stalled'],
    { cluster: { ...one(pod(1, running)), ...hurried({ stall: '5m' }) } },
    ...outOfTime({ stall: '5m' }, pod(1, running)).map((round) => ({ ...round, laterMs: 600_000 })),
  ],
  [
    ['ProgressStale', 'ProgressHeard'],
    { cluster: one(pod(1, running)) },
    { cluster: { ...one(pod(1, running)), silentMs: 130_000 }, laterMs: 130_000 },
    { cluster: one(pod(1, running)) },
  ],
  [['RunnerEnded'], { cluster: one(withSidecar(60)) }],
];

/** Films as rounds of the operator see them, one after another; with the reasons that must come up. */
const LIVES: readonly (readonly [readonly string[], ...Round[]])[] = [
  [['InvalidSpec'], { cluster: { film: { ...videoGeneration(), spec: { prompt: 'x' } } } }],
  [['HostPathNotAllowed'], { cluster: { film: videoGeneration(hostPath) } }],
  [['JobRefused'], { cluster: {}, came: refusal(false) }],
  [['JobRefused'], { cluster: {}, came: refusal(true) }],
  [
    ['WaitingForPod', 'JobStarted'],
    { cluster: {}, came: [{ action: { type: 'create-job', attempt: 1 }, result: 'done' }] },
  ],
  [['PodLeaving'], { cluster: { ...one(pod(1, running)), jobs: [job(1, withEnd('Failed'))], live: true } }],
  [['JobOutdated'], { cluster: { jobs: [outdated], frozen, live: true } }],
  [['JobLeaving'], { cluster: { jobs: [leaving], frozen } }],
  [['Suspended'], { cluster: { jobs: [suspended], frozen } }],
  [['Suspended'], { cluster: { jobs: [stopped], frozen } }],
  [['Suspended', 'NotSuspended'], { cluster: { film: videoGeneration(withSpec({ suspend: true })) } }, { cluster: {} }],
  [['Suspended'], { cluster: { jobs: [queued], frozen } }],
  ...DEADLINES,
  ...USED_UP,
  [
    ['Suspended', 'AttemptSuspended'],
    { cluster: { ...one(pod(1, running)), film: videoGeneration(withSpec({ suspend: true })), live: true } },
    { cluster: { film: videoGeneration(withSpec({ suspend: true })), live: true } },
  ],
  [['JobGone'], { cluster: { jobs: [job(1)], frozen } }, { cluster: { live: true } }],
  [['PodLost', 'AttemptDisrupted'], { cluster: one(pod(1, running)) }, { cluster: { live: true } }],
  [['WaitingForScheduler'], { cluster: one(pod(1)) }],
  [['Unschedulable'], { cluster: one(pod(1, withCondition({ type: 'PodScheduled', status: 'False' }))) }],
  [['PodRefused'], { cluster: { jobs: [job(1)], frozen, events: [quota] } }],
  [['ContainerCreating', 'PodScheduled'], { cluster: one(pod(1, onNode())) }],
  [['ErrImagePull'], { cluster: one(pod(1, onNode(), withContainer({ waiting: { reason: 'ErrImagePull' } }))) }],
  [['RunnerStarted'], { cluster: one(pod(1, running)) }],
  [['Denoising'], { cluster: one(pod(1, running), { reports: { 'pod-1': progressRecord() } }) }],
  [['FilmReady', 'Finished'], { cluster: one(pod(1, ended(0, succeededResult))) }],
  [['ResultLost'], { cluster: { jobs: [job(1, withEnd('Complete'))], live: true } }],
  [
    ['CompletedWithoutResult'],
    {
      cluster: {
        jobs: [job(1, withEnd('Complete')), job(2, withEnd('Failed'))],
        pods: [pod(2, ended(20))],
        live: true,
      },
    },
  ],
  [['RetryLater', 'RunnerFailed', 'AttemptFailed'], { cluster: over(pod(1, ended(60, undefined, late))) }],
  [['FailuresExhausted'], { cluster: over(pod(1, ended(60)), { failures: 0, disruptions: 0 }) }],
  [['DisruptionsExhausted'], { cluster: over(pod(1, ended(10)), { failures: 0, disruptions: 0 }) }],
  [['RunnerFailed'], { cluster: one(pod(1, ended(20))) }],
  [['RunnerFailed'], { cluster: one(pod(1, ended(60))) }],
  [['RunnerStopped'], { cluster: one(pod(1, ended(10))) }],
  [['OutOfMemory'], { cluster: one(pod(1, ended(137, undefined, { reason: 'OOMKilled' }))) }],
  [['Killed'], { cluster: one(pod(1, ended(139, undefined, { signal: 11 }))) }],
  [['PodFailed'], { cluster: one(failedPod({})) }],
  [['Evicted'], { cluster: one(failedPod({ reason: 'Evicted' })) }],
  [['JobFailed'], { cluster: { jobs: [job(1, withEnd('Failed', 'PodFailurePolicy'))], live: true } }],
  [['NegativePromptUnused'], { cluster: { film: videoGeneration(unheard) } }],
  [
    ['FailsAtSameIteration'],
    {
      cluster: {
        ...{ jobs: [1, 2, 3].map((number) => job(number, withEnd('Failed'))), live: true },
        pods: [1, 2, 3].map((number) => pod(number, ended(60, atIteration17))),
      },
    },
  ],
  [
    ['CheckpointNotWritten', 'CheckpointsAreWritten'],
    { cluster: one(pod(1, running), { reports: { 'pod-1': progressRecord({ checkpointFailure: 'no space' }) } }) },
    { cluster: one(pod(1, running), { reports: { 'pod-1': progressRecord() } }) },
  ],
  [
    ['DeviceUnhealthy', 'DevicesAreHealthy'],
    { cluster: one(pod(1, running, withHealth({ 'gpu-1': 'Unhealthy' }))) },
    { cluster: one(pod(1, running, withHealth({ 'gpu-1': 'Healthy' }))) },
  ],
  [['RunnerWarns'], { cluster: one(pod(1, running), { reports: warned }) }],
  [
    ['NothingToWarnOf'],
    { cluster: one(pod(1, running), { reports: warned }) },
    { cluster: one(pod(1, running), { reports: { 'pod-1': progressRecord() } }) },
  ],
  [
    ['SpecNotApplied', 'SpecIsApplied'],
    { cluster: one(pod(1, running), { film: videoGeneration(edited) }) },
    { cluster: one(pod(1, running)) },
  ],
  [
    ['SpecNotApplied', 'SpecCameTooLate'],
    { cluster: one(pod(1, running), { film: videoGeneration(edited) }) },
    { cluster: { film: videoGeneration(edited), jobs: [job(1, withEnd('Failed'))], pods: [pod(1, ended(40))] } },
  ],
];

function settled(rounds: readonly Round[]): readonly Settlement[] {
  let status: VideoGenerationStatus | undefined;
  return rounds.map(({ cluster, came, laterMs = 0 }) => {
    const film = withFilmStatus(status)(cluster.film ?? videoGeneration());
    const settlement = settle(decide(observed({ ...cluster, film }), NOW + laterMs), came ?? []);
    status = settlement.status;
    return settlement;
  });
}

/** By reason the places that the status and the events of a round give it: conditions, all in one, and single ones. */
function placesIn({ status, events }: Settlement): ReadonlyMap<string, readonly string[]> {
  const conditions = Object.groupBy(status?.conditions ?? [], ({ reason }) => reason);
  const told = Object.entries(conditions).map(([reason, all = []]) => {
    return [
      reason,
      all
        .map(({ type, status: holds }) => `${type}=${holds}`)
        .toSorted()
        .join(),
    ] as const;
  });
  const ends = (status?.attempts ?? []).flatMap(({ reason }) =>
    reason === undefined ? [] : [[reason, 'attempt'] as const],
  );
  const single = events.map(({ reason }) => [reason, 'event'] as const);
  const all = Object.groupBy([...told, ...ends, ...single], ([reason]) => reason);
  return new Map(Object.entries(all).map(([reason, found = []]) => [reason, found.map(([, place]) => place)]));
}

const setOf = (place: Place) => [...PLACES[place].conditions].toSorted().join();
const PLACES_OF: Readonly<Record<string, readonly Place[]>> = Object.fromEntries([
  ...Object.entries(REASONS).map(([name, { places }]) => [name, places]),
  ...PASSED_ON.flatMap(({ names, places }) => names.map((name) => [name, places])),
]);

describe('a reason', () => {
  it.each(LIVES.map(([wanted, ...rounds]) => ({ wanted, rounds })))(
    '$wanted: told where the table of reasons says, and nowhere else',
    ({ wanted, rounds }) => {
      const seen = settled(rounds).map(placesIn);
      expect(wanted.filter((reason) => !seen.some((places) => places.has(reason)))).toEqual([]);
      for (const [reason, found] of seen.flatMap((places) => [...places])) {
        const allowed = PLACES_OF[reason] ?? [];
        // Every change of conditions may be told by an event as well.
        const places = ['event', ...allowed.filter((place) => setOf(place) === ''), ...allowed.map(setOf)];
        expect({ reason, found: found.filter((place) => !places.includes(place)) }).toEqual({ reason, found: [] });
      }
    },
  );

  it('of the table comes up in these lives, each in every place that the table gives it', () => {
    const seen = LIVES.flatMap(([, ...rounds]) => settled(rounds)).map(placesIn);
    const has = (reason: string, place: Place) =>
      seen.some((places) => places.get(reason)?.some((found) => found === place || found === setOf(place)));
    const missing = Object.entries(REASONS).flatMap(([reason, { places }]) =>
      reason === 'RunnerWorking'
        ? []
        : places.filter((place) => !has(reason, place)).map((place) => `${reason}: ${place}`),
    );
    expect(missing).toEqual([]);
  });
});
