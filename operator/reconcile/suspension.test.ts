import { expect, it, test } from 'vitest';
import { job } from '../../test/build/job.ts';
import { type Cluster, observed } from '../../test/build/observed.ts';
import { ended, onNode, outlived, pod, running, withContainer } from '../../test/build/pod.ts';
import { videoGeneration, withSpec, withStatus } from '../../test/build/video-generation.ts';
import type { Job, Pod } from '../api/kubernetes.ts';
import { LABEL_QUEUE } from '../api/labels.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { decide } from './decide.ts';
import { settle } from './settle.ts';

const NOW = Date.parse('2026-01-01T00:30:00Z');
const waits = withSpec({ suspend: true });
const frozen = ['job-1', 'job-2'];
const suspendedJob = job(1, (object) => ({ ...object, spec: { ...object.spec, suspend: true } }));
const resumedJob = job(1, (object) => ({
  ...object,
  status: {
    startTime: '2026-01-01T00:20:00Z',
    conditions: [{ type: 'Suspended', status: 'False', reason: 'JobResumed' }],
  },
}));
const letGo = job(1, (object) => ({
  ...object,
  status: { conditions: [{ type: 'Suspended', status: 'True', reason: 'JobSuspended' }] },
}));
const queued = (object: Job): Job => ({
  ...object,
  metadata: { ...object.metadata, labels: { ...object.metadata.labels, [LABEL_QUEUE]: 'gpu' } },
});
const stopping = (object: Pod): Pod => ({
  ...object,
  metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:30:30Z' },
});

/** What is there in a round, and when it is, if not at the usual time. */
type Round = Cluster & { readonly at?: string };

/** What the rounds of the operator come to, each with the status that the one before has written. */
function lived(...rounds: readonly Round[]) {
  let status: VideoGenerationStatus | undefined;
  const decisions = rounds.map(({ at, ...cluster }) => {
    const film = withStatus(status)(cluster.film ?? videoGeneration());
    const decision = decide(
      observed({ frozen, live: true, ...cluster, film }),
      at === undefined ? NOW : Date.parse(`2026-01-01T${at}:00Z`),
    );
    status = settle(decision, []).status;
    return decision;
  });
  const { phase, reason, attempts = [], failures, disruptions } = status!;
  const outcomes = attempts.map(({ number, outcome }) => `${number} ${outcome}`);
  return { phase, reason, outcomes, counted: [failures, disruptions], actions: decisions.at(-1)!.actions };
}

it('is asked of the Job itself before a pod counts as taken away: caches may not show yet that it was suspended', () => {
  const first = settle(
    decide(observed({ frozen, live: true, jobs: [job(1)], pods: [pod(1, running)] }), NOW),
    [],
  ).status;
  const film = withStatus(first)(videoGeneration());
  const stopped = stopping(pod(1, ended(10)));
  const seen = (found: Cluster) => decide(observed({ frozen, film, pods: [stopped], ...found }), NOW);
  expect(seen({ jobs: [job(1)] }).read).toBe(true);
  expect(seen({ jobs: [suspendedJob] }).read).toBe(true);
  expect(seen({ jobs: [suspendedJob], pods: [stopping(pod(1, running))] }).read).toBe(true);
  expect(seen({ jobs: [suspendedJob], live: true })).toMatchObject({
    read: false,
    status: { disruptions: 0, attempts: [{ outcome: 'Suspended' }] },
  });
});

const deletion = { type: 'delete-job', name: 'lighthouse-3f2a9c1b-1', uid: 'job-1', version: '101' };
const idle = { phase: 'Suspended', reason: 'Suspended', counted: [0, 0] };

test.each<[string, Round[], object]>([
  ['starts nothing', [{ film: videoGeneration(waits) }], { ...idle, outcomes: [], actions: [] }],
  [
    'takes a Job at work away, once',
    [{ film: videoGeneration(waits), jobs: [job(1)], pods: [pod(1, running)] }],
    { ...idle, outcomes: ['1 Running'], actions: [deletion] },
  ],
  [
    'counts the attempt as neither failed nor disrupted, however its pod ended',
    [
      { film: videoGeneration(waits), jobs: [job(1)], pods: [pod(1, running)] },
      { film: videoGeneration(waits), pods: [stopping(pod(1, ended(137, undefined, { signal: 9 })))] },
    ],
    { ...idle, outcomes: ['1 Suspended'], actions: [] },
  ],
  [
    'also if nobody saw it end',
    [{ film: videoGeneration(waits), jobs: [job(1)], pods: [pod(1, running)] }, { film: videoGeneration(waits) }],
    { ...idle, outcomes: ['1 Suspended'], actions: [] },
  ],
  [
    'a Job without a pod as well',
    [{ film: videoGeneration(waits), jobs: [job(1)] }, { film: videoGeneration(waits) }],
    { ...idle, outcomes: ['1 Suspended'], actions: [] },
  ],
  [
    'starts the next attempt at once when it may go on',
    [{ film: videoGeneration(waits), jobs: [job(1)], pods: [pod(1, running)] }, {}],
    {
      ...{ phase: 'Queued', reason: 'WaitingForPod', outcomes: ['1 Suspended'], counted: [0, 0] },
      actions: [{ type: 'create-job', attempt: 2 }],
    },
  ],
  [
    'counts a pod that the cluster had taken away before, and that another container holds, as disrupted',
    [
      { jobs: [job(1)], pods: [pod(1, running)] },
      { film: videoGeneration(waits), jobs: [job(1)], pods: [pod(1, ended(143), outlived)] },
    ],
    { ...idle, outcomes: ['1 Disrupted'], counted: [0, 1], actions: [deletion] },
  ],
  [
    'has failed all the same after an error that no other try mends',
    [
      { film: videoGeneration(waits), jobs: [job(1)], pods: [pod(1, running)] },
      { film: videoGeneration(waits), jobs: [job(1)], pods: [pod(1, ended(20))] },
    ],
    { phase: 'Failed', reason: 'RunnerFailed', counted: [1, 0], outcomes: ['1 Failed'], actions: [] },
  ],
])('a film whose spec says that it waits: %s', (_what, rounds, expected) => {
  expect(lived(...rounds)).toEqual(expected);
});

test.each<[string, Round[], object]>([
  [
    'a Job that its queue has not let go says so, and is left alone',
    [{ jobs: [queued(suspendedJob)] }],
    { phase: 'Queued', reason: 'Suspended', outcomes: [], counted: [0, 0], actions: [] },
  ],
  [
    'a Job that a person has suspended makes the film one',
    [{ jobs: [suspendedJob] }],
    { phase: 'Suspended', reason: 'Suspended', outcomes: [], counted: [0, 0], actions: [] },
  ],
  [
    'a pod that ends while its Job is suspended is no disruption',
    [
      { jobs: [queued(suspendedJob)], pods: [stopping(pod(1, running))] },
      { jobs: [queued(suspendedJob)], pods: [stopping(pod(1, ended(10)))] },
    ],
    { phase: 'Queued', reason: 'Suspended', outcomes: ['1 Suspended'], counted: [0, 0], actions: [] },
  ],
  [
    'nor is one from before its Job went on, if nobody saw the suspension',
    [{ jobs: [queued(job(1))], pods: [pod(1, running)] }, { jobs: [queued(resumedJob)] }],
    { phase: 'Queued', reason: 'WaitingForPod', outcomes: ['1 Suspended'], counted: [0, 0], actions: [] },
  ],
  ...(['2026-01-01T01:05:00Z', '2025-12-31T23:05:00Z'] as const).map((startedAt): [string, Round[], object] => [
    `also where the clock of its node told ${startedAt}`,
    [
      { at: '00:10', jobs: [queued(job(1))], pods: [pod(1, running, withContainer({ running: { startedAt } }))] },
      { jobs: [queued(resumedJob)] },
    ],
    { phase: 'Queued', reason: 'WaitingForPod', outcomes: ['1 Suspended'], counted: [0, 0], actions: [] },
  ]),
  [
    'nor where its controller has not seen yet that it may go on',
    [{ at: '00:10', jobs: [queued(job(1))], pods: [pod(1, running)] }, { jobs: [queued(letGo)] }],
    { phase: 'Queued', reason: 'WaitingForPod', outcomes: ['1 Suspended'], counted: [0, 0], actions: [] },
  ],
  [
    'also where its pod is first seen when the Job has gone on',
    [
      {
        jobs: [queued(resumedJob)],
        pods: [stopping(pod(1, running, withContainer({ running: { startedAt: '2026-01-01T01:05:00Z' } })))],
      },
      { jobs: [queued(resumedJob)] },
    ],
    { phase: 'Queued', reason: 'WaitingForPod', outcomes: ['1 Suspended'], counted: [0, 0], actions: [] },
  ],
  [
    'a pod of after its Job went on that is gone was taken away, also where the clock of its node is behind',
    [
      {
        jobs: [queued(resumedJob)],
        pods: [
          {
            ...pod(1, running, withContainer({ running: { startedAt: '2025-12-31T23:05:00Z' } })),
            metadata: { ...pod(1).metadata, creationTimestamp: '2026-01-01T00:21:00Z' },
          },
        ],
      },
      { jobs: [queued(resumedJob)] },
    ],
    { phase: 'Queued', reason: 'WaitingForPod', outcomes: ['1 Disrupted'], counted: [0, 1], actions: [] },
  ],
  [
    'a pod that the cluster had taken away before its Job was suspended is one',
    [
      { jobs: [queued(job(1))], pods: [pod(1, running)] },
      { jobs: [queued(suspendedJob)], pods: [pod(1, ended(10))] },
    ],
    { phase: 'Queued', reason: 'Suspended', outcomes: ['1 Disrupted'], counted: [0, 1], actions: [] },
  ],
  [
    'a pod that is taken away after its Job went on is one',
    [
      {
        jobs: [queued(resumedJob)],
        pods: [
          {
            ...pod(1, onNode(), ended(10)),
            metadata: { ...pod(1).metadata, creationTimestamp: '2026-01-01T00:21:00Z' },
          },
        ],
      },
    ],
    { phase: 'Starting', reason: 'RunnerStopped', outcomes: ['1 Disrupted'], counted: [0, 1], actions: [] },
  ],
])('%s', (_what, rounds, expected) => {
  expect(lived(...rounds)).toEqual(expected);
});

it('puts the queue of the spec, or of the label, and its class on the Job, which starts suspended', () => {
  const labelled = (labels: Readonly<Record<string, string>>, spec = {}) => {
    const film = videoGeneration(withSpec(spec));
    return observed({ film: { ...film, metadata: { ...film.metadata, labels } } }).queue;
  };
  expect([
    labelled({}),
    labelled({ [LABEL_QUEUE]: 'gpu' }),
    labelled({ [LABEL_QUEUE]: 'gpu', 'kueue.x-k8s.io/priority-class': 'high' }, { queueName: 'films' }),
  ]).toEqual([undefined, { name: 'gpu' }, { name: 'films', priorityClass: 'high' }]);
});

test.each([
  ['made after its Job went on is a disruption', '00:20:01', ['1 Disrupted'], [0, 1]],
  ['made a moment before that was written down, too', '00:19:59', ['1 Disrupted'], [0, 1]],
  ['of before was ended by the suspension', '00:19:00', ['1 Suspended'], [0, 0]],
])('a pod that is gone before its runner began, and was %s', (_what, time, outcomes, counted) => {
  const made = (object: Pod): Pod => ({
    ...object,
    metadata: { ...object.metadata, creationTimestamp: `2026-01-01T${time}Z` },
  });
  const seen = { jobs: [resumedJob], pods: [pod(1, onNode(), made)] };
  expect(lived(seen, { jobs: [resumedJob], pods: [] })).toMatchObject({ outcomes, counted });
});
