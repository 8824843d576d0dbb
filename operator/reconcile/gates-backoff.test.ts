import { expect, it } from 'vitest';
import { job } from '../../test/build/job.ts';
import { observed } from '../../test/build/observed.ts';
import { ended, pod, running } from '../../test/build/pod.ts';
import { videoGeneration, withStatus } from '../../test/build/video-generation.ts';
import type { Job, Pod } from '../api/kubernetes.ts';
import type { VideoGeneration } from '../api/video-generation.ts';
import { decide } from './decide.ts';

const failedAt = (lastTransitionTime: string): Job => ({
  ...job(1),
  status: { conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', lastTransitionTime }] },
});
const podEndedAt = (time: string) => pod(1, ended(1, undefined, { finishedAt: `2026-01-01T00:${time}Z` }));

it.each<[string, string, string, number | undefined]>([
  ['counts from the end of the pod', '29:55', '29:55', 5_000],
  [
    'counts from the end of its Job where that is later: another pod may have come and gone unseen',
    '20:00',
    '29:58',
    8_000,
  ],
  ['is over ten seconds after both', '20:00', '29:50', undefined],
  ['counts from when the end was written down where that of the Job is still to come', '20:00', '45:00', 10_000],
])('the wait for the next attempt %s', (_what, podEnd, jobEnd, wait) => {
  const cluster = { live: true, jobs: [failedAt(`2026-01-01T00:${jobEnd}Z`)], pods: [podEndedAt(podEnd)] };
  const { requeueAfterMs, verdict } = decide(observed(cluster), Date.parse('2026-01-01T00:30:00Z'));
  expect([verdict.outcome, requeueAfterMs]).toEqual([wait === undefined ? 'start' : 'later', wait]);
});

it.each([
  ['an hour behind', '2025-12-31T23:29:58Z'],
  ['right', '2026-01-01T00:29:58Z'],
  ['a month ahead', '2026-01-31T00:29:58Z'],
])(
  'a Job that was deleted when its pod had failed is followed by the next after the wait, by a clock that is %s',
  (_what, finishedAt) => {
    const now = Date.parse('2026-01-01T00:30:00Z');
    const of = (film: VideoGeneration, at: number, pods: readonly Pod[]) =>
      decide(observed({ live: true, film, jobs: [], pods }), at);
    const long = (object: Pod): Pod => ({
      ...object,
      metadata: { ...object.metadata, creationTimestamp: '2025-12-31T20:00:00Z' },
    });
    const known = videoGeneration(
      withStatus(decide(observed({ jobs: [job(1)], pods: [pod(1, running)] }), now).status),
    );
    const failed = pod(1, ended(1, undefined, { finishedAt }), long);
    const first = of(known, now, [failed]);
    const later = of(videoGeneration(withStatus(first.status)), now + 9_000, []);
    const over = of(videoGeneration(withStatus(first.status)), now + 10_000, []);
    expect([first, later, over].map(({ verdict, requeueAfterMs }) => [verdict.outcome, requeueAfterMs])).toEqual([
      ['later', 10_000],
      ['later', 1_000],
      ['start', undefined],
    ]);
  },
);

it.each<[string, readonly Job[], string, number | undefined]>([
  ['at once', [], 'start', undefined],
  ['after the wait where its Job has gone on and ended', [failedAt('2026-01-01T00:29:54Z')], 'later', 4_000],
])('a film whose last pod a suspension took away goes on %s', (_what, jobs, outcome, wait) => {
  const now = Date.parse('2026-01-01T00:30:00Z');
  const status = {
    ...decide(observed({ jobs: [job(1)], pods: [pod(1, running)] }), now).status,
    attempts: [
      {
        ...{ number: 1, job: 'lighthouse-3f2a9c1b-1', generation: 1, pod: 'p', podUid: 'pod-1', outcome: 'Suspended' },
        ...{ endTime: '2026-01-01T00:20:00Z', recordedTime: '2026-01-01T00:20:00Z' },
      },
    ],
  } as ReturnType<typeof decide>['status'];
  const { verdict, requeueAfterMs } = decide(
    observed({ live: true, film: videoGeneration(withStatus(status)), jobs }),
    now,
  );
  expect([verdict.outcome, requeueAfterMs]).toEqual([outcome, wait]);
});

it('an end that an operator whose clock was ahead has written down is waited for from now on, once', () => {
  const now = Date.parse('2026-01-01T00:30:00Z');
  const status = {
    ...decide(observed({ jobs: [job(1)], pods: [pod(1, running)] }), now).status,
    attempts: [
      {
        ...{ number: 1, job: 'lighthouse-3f2a9c1b-1', generation: 1, pod: 'p', podUid: 'pod-1', outcome: 'Failed' },
        ...{ endTime: '2026-01-01T00:31:00Z', recordedTime: '2026-01-01T00:31:00Z' },
      },
    ],
  } as ReturnType<typeof decide>['status'];
  const first = decide(observed({ live: true, film: videoGeneration(withStatus(status)) }), now);
  const next = decide(observed({ live: true, film: videoGeneration(withStatus(first.status)) }), now + 10_000);
  expect([first, next].map(({ verdict, requeueAfterMs }) => [verdict.outcome, requeueAfterMs])).toEqual([
    ['later', 10_000],
    ['start', undefined],
  ]);
});
