import { expect, it } from 'vitest';
import { job, withEnd } from '../../test/build/job.ts';
import { type Cluster, observed } from '../../test/build/observed.ts';
import { ended, pod, running, succeededResult } from '../../test/build/pod.ts';
import { videoGeneration, withSpec, withStatus } from '../../test/build/video-generation.ts';
import type { Attempt, VideoGenerationStatus } from '../api/status.ts';
import { decide } from './decide.ts';

const NOW = Date.parse('2026-01-01T00:30:00Z');
const lost = job(1, withEnd('Complete'));
const start = (attempt: number) => [{ type: 'create-job', attempt }];
const attempt = (number: number, fields: Partial<Attempt>): Attempt => ({
  ...{ number, job: `lighthouse-3f2a9c1b-${number}`, generation: 1, outcome: 'Succeeded', reason: 'ResultLost' },
  ...fields,
});
const status: VideoGenerationStatus = {
  ...{ phase: 'Queued', observedGeneration: 1, failures: 0, disruptions: 0 },
  conditions: [
    {
      type: 'Complete',
      status: 'False',
      reason: 'x',
      message: 'x',
      observedGeneration: 1,
      lastTransitionTime: '2026-01-01T00:20:00Z',
    },
  ],
};
const worked = { ...status, activeSeconds: 900, attempts: [attempt(1, {})] };
const late = {
  ...status,
  attempts: [attempt(1, {}), attempt(2, { outcome: 'Failed', reason: 'StartDeadlineExceeded' })],
};
const frugal = videoGeneration(withSpec({ retries: { failures: 3, disruptions: 0 } }));

it.each<[string, Cluster, { outcome: string; job?: string; actions: readonly object[] }]>([
  ['the next attempt looks for the film', { jobs: [lost] }, { outcome: 'start', actions: start(2) }],
  [
    'so it does after a pod that ended well without a word',
    { jobs: [lost], pods: [pod(1, ended(0))] },
    { outcome: 'start', actions: start(2) },
  ],
  [
    'it goes on looking',
    { jobs: [lost, job(2)], pods: [pod(2, running)], frozen: ['job-2'] },
    { outcome: 'live', actions: [] },
  ],
  [
    'it goes on looking while its Job makes a pod in place of one that was taken away',
    { jobs: [lost, job(2)], pods: [pod(2, ended(10))], frozen: ['job-2'] },
    { outcome: 'live', actions: [] },
  ],
  [
    'the one after it looks when it was taken away',
    { jobs: [lost, job(2, withEnd('Failed'))], pods: [pod(2, ended(10))] },
    { outcome: 'start', actions: start(3) },
  ],
  [
    'what it has found is the result',
    { jobs: [lost, job(2, withEnd('Complete'))], pods: [pod(2, ended(0, succeededResult))] },
    { outcome: 'complete', job: 'lighthouse-3f2a9c1b-2', actions: [] },
  ],
  [
    'so does the one after it when it failed: it may not have come as far as looking',
    { jobs: [lost, job(2, withEnd('Failed'))], pods: [pod(2, ended(60))] },
    { outcome: 'start', actions: start(3) },
  ],
  [
    'or never had a pod',
    { jobs: [lost, job(2, withEnd('Failed', 'DeadlineExceeded'))] },
    { outcome: 'start', actions: start(3) },
  ],
  [
    'the film is complete without a result once an attempt has ended in a way that no other mends',
    { jobs: [lost, job(2, withEnd('Failed', 'PodFailurePolicy'))], pods: [pod(2, ended(20))] },
    { outcome: 'complete', job: 'lighthouse-3f2a9c1b-1', actions: [] },
  ],
  [
    'and when the result of the next one is lost, too',
    { jobs: [lost, job(2, withEnd('Complete'))] },
    { outcome: 'complete', job: 'lighthouse-3f2a9c1b-1', actions: [] },
  ],
  [
    'and when no attempt may start any more',
    { film: frugal, jobs: [lost, job(2, withEnd('Failed'))], pods: [pod(2, ended(10))] },
    { outcome: 'complete', job: 'lighthouse-3f2a9c1b-1', actions: [] },
  ],
  [
    'and when no attempt may start because the time at work is used up',
    { film: videoGeneration(withSpec({ deadlines: { active: '5m' } }), withStatus(worked)), jobs: [lost] },
    { outcome: 'complete', job: 'lighthouse-3f2a9c1b-1', actions: [] },
  ],
  [
    'and when the next one came too late',
    {
      film: videoGeneration(withSpec({ deadlines: { start: '5m' } }), withStatus(late)),
      jobs: [lost, job(2, withEnd('Failed'))],
    },
    { outcome: 'complete', job: 'lighthouse-3f2a9c1b-1', actions: [] },
  ],
])('of a complete Job without a result: %s', (_what, cluster, expected) => {
  const { verdict, actions } = decide(observed({ live: true, ...cluster }), NOW);
  const told = verdict.outcome === 'complete' ? { job: verdict.job } : {};
  expect({ outcome: verdict.outcome, ...told, actions }).toEqual(expected);
});

/** An attempt that has ended well, and others after or before it. */
const remembered = (...attempts: readonly Attempt[]) => withStatus({ ...status, attempts: [...attempts] });
const atWork = attempt(2, { podUid: 'pod-2', outcome: 'Running' });
const final = { outcome: 'Failed', reason: 'E_SPEC', exitCode: 20 } as const;
const strict = withSpec({ retries: { failures: 0, disruptions: 0 } });
const second = (code: number) => ({ jobs: [job(2)], pods: [pod(2, ended(code))] });

it.each<[string, Cluster, string]>([
  ...[1, 10, 20, 60, 143].flatMap((code): [string, Cluster, string][] => [
    [
      `the next one ended with ${code}, its Job being there`,
      { ...second(code), jobs: [lost, job(2)] },
      code === 10 || code === 143 ? 'ending' : 'complete',
    ],
    [
      `the next one ended with ${code}, its Job having ended`,
      { ...second(code), jobs: [lost, job(2, withEnd('Failed'))] },
      'complete',
    ],
    [
      `the next one ended with ${code}, all Jobs being gone`,
      { film: videoGeneration(strict, remembered(attempt(1, {}), atWork)), pods: [pod(2, ended(code))] },
      'complete',
    ],
  ]),
  [
    'one before it ended in a way that no other mends',
    {
      film: videoGeneration(remembered(attempt(1, final), atWork)),
      ...second(0),
    },
    'complete',
  ],
  [
    'too many before it failed, and its Job has not said yet that it is complete',
    {
      film: videoGeneration(strict, remembered(attempt(1, { outcome: 'Failed', exitCode: 1 }), atWork)),
      ...second(0),
    },
    'complete',
  ],
  [
    'the time at work is used up, and its Job is gone',
    {
      film: videoGeneration(
        withSpec({ deadlines: { active: '5m' } }),
        withStatus({ ...worked, attempts: [attempt(1, {})] }),
      ),
    },
    'complete',
  ],
  [
    'no attempt has looked yet, and its Job is gone',
    { film: videoGeneration(strict, remembered(attempt(1, {}))) },
    'start',
  ],
])('a film of which an attempt ended well never fails: %s', (_what, cluster, expected) => {
  const film = videoGeneration(strict);
  expect(decide(observed({ live: true, film, frozen: ['job-2'], ...cluster }), NOW).verdict.outcome).toBe(expected);
});
