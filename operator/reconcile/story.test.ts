import { expect, it } from 'vitest';
import { job, withEnd } from '../../test/build/job.ts';
import { type Cluster, observed, progressRecord } from '../../test/build/observed.ts';
import { ended, pod, running, succeededResult, withCondition, withContainer } from '../../test/build/pod.ts';
import { videoGeneration, withSpec, withStatus } from '../../test/build/video-generation.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { decide } from './decide.ts';
import { type ActionOutcome, settle } from './settle.ts';

const location = '/output/films/lighthouse/3f2a9c1b-1/0a1b2c3d';
const checkpoint = (iteration: number, time: string) => {
  return { iteration, time: `2026-01-01T${time}.000Z`, bytes: 123_456, location };
};
const leaves = (outcome: string, fields: object) => {
  return { contractVersion: 1, outcome, framesReady: 21, elapsedSeconds: 600, ...fields };
};
const preempted = {
  type: 'DisruptionTarget',
  status: 'True',
  reason: 'PreemptionByScheduler',
  message: 'made room',
} as const;
const stopped = leaves('stopped', {
  iteration: 36,
  resumedFrom: { iteration: 0 },
  checkpoint: checkpoint(36, '00:15:00'),
});
const lostDevice = leaves('failed', {
  ...{ iteration: 41, resumedFrom: { iteration: 36, time: checkpoint(36, '00:15:00').time } },
  checkpoint: checkpoint(40, '00:29:00'),
  error: { code: 'E_DEVICE_LOST', message: 'cuda:3 stopped working', fixer: 'administrator', exit: 'device' },
});
const second = { startedAt: '2026-01-01T00:20:00Z', finishedAt: '2026-01-01T00:30:00Z' };
const third = { startedAt: '2026-01-01T00:40:00Z', finishedAt: '2026-01-01T01:00:00Z' };
const on = { iteration: 40, time: checkpoint(40, '00:29:00').time };
const works = (number: number, startedAt: string, fields: object): Cluster => ({
  jobs: [job(number)],
  pods: [pod(number, running, withContainer({ running: { startedAt } }))],
  reports: { [`pod-${number}`]: progressRecord(fields) },
});

/** A film that was preempted, then lost a device, and was made in the end: as rounds of the operator see it, at these times. */
const ROUNDS: readonly (readonly [string, Cluster])[] = [
  ['00:00:30', {}],
  ['00:06:00', works(1, '2026-01-01T00:05:00Z', { resumedFrom: { iteration: 0 } })],
  ['00:15:00', { jobs: [job(1, withEnd('Failed'))], pods: [pod(1, ended(10, stopped), withCondition(preempted))] }],
  ['00:19:00', {}],
  ['00:21:00', works(2, second.startedAt, { resumedFrom: { iteration: 36, time: checkpoint(36, '00:15:00').time } })],
  ['00:30:00', { jobs: [job(2, withEnd('Failed'))], pods: [pod(2, ended(60, lostDevice, second))] }],
  ['00:39:00', {}],
  ['00:41:00', works(3, third.startedAt, { resumedFrom: on, checkpoint: checkpoint(40, '00:29:00') })],
  ['01:00:00', { jobs: [job(3)], pods: [pod(3, ended(0, { ...succeededResult, resumedFrom: on }, third))] }],
];

it('a film with three attempts reads like its story', () => {
  const film = videoGeneration(withSpec({ parallelism: { gpus: 8, minGpus: 2 } }));
  const told: string[] = [];
  let status: VideoGenerationStatus | undefined;
  for (const [time, cluster] of ROUNDS) {
    const seen = observed({
      live: true,
      ...cluster,
      film: withStatus(status)(film),
      frozen: ['job-1', 'job-2', 'job-3'],
    });
    const decision = decide(seen, Date.parse(`2026-01-01T${time}Z`));
    const came: ActionOutcome[] = decision.actions.map((action) => ({ action, result: 'done', jobUid: 'job' }));
    const { status: written, events } = settle(decision, came);
    // The Job is known from when it is seen.
    status =
      written?.claim === undefined
        ? written
        : ({ ...written, claim: { ...written.claim, jobUid: undefined } } as typeof written);
    told.push(...events.map(({ reason, note }) => `${reason}: ${note}`));
  }
  expect(told.filter((line) => !/^(PodScheduled|RetryLater|Denoising)/.test(line))).toEqual([
    'JobStarted: started Job lighthouse-3f2a9c1b-1',
    'AttemptDisrupted: attempt 1: PreemptionByScheduler: made room; it has left a checkpoint after iteration 36',
    'JobStarted: started Job lighthouse-3f2a9c1b-2',
    'AttemptGoesOn: attempt 2 goes on after iteration 36',
    'AttemptFailed: attempt 2: E_DEVICE_LOST: cuda:3 stopped working; it has left a checkpoint after iteration 40',
    'SmallerJobStarted: started Job lighthouse-3f2a9c1b-3: 4 of 8 GPUs after attempt 2: E_DEVICE_LOST: cuda:3 stopped working',
    'AttemptGoesOn: attempt 3 goes on after iteration 40',
    'FilmReady: the film is ready: pvc://films/films/lighthouse/3f2a9c1b-1/video.mp4',
  ]);
  expect(status).toMatchObject({
    phase: 'Succeeded',
    ...{ failures: 1, forgottenFailures: 1, disruptions: 1, activeSeconds: 2400 },
    // The second lost its last minute on eight GPUs; the third took twenty on four.
    usage: { gpuSeconds: 8 * 600 + 8 * 600 + 4 * 1200, lostGpuSeconds: 8 * 60 },
    attempts: [
      { outcome: 'Disrupted', gpus: 8, checkpointIteration: 36, iteration: 36, gpuSeconds: 4800, lostGpuSeconds: 0 },
      {
        outcome: 'Failed',
        gpus: 8,
        resumedFromIteration: 36,
        checkpointIteration: 40,
        iteration: 41,
        lostGpuSeconds: 480,
      },
      { outcome: 'Succeeded', gpus: 4, resumedFromIteration: 40, gpuSeconds: 4800 },
    ],
  });
  expect(status?.checkpoint).toBeUndefined();
});
