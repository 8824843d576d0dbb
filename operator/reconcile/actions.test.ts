import { expect, it } from 'vitest';
import { job } from '../../test/build/job.ts';
import { observed } from '../../test/build/observed.ts';
import { ended, onNode, pod, running } from '../../test/build/pod.ts';
import type { Pod } from '../api/kubernetes.ts';
import { decide } from './decide.ts';

const NOW = Date.parse('2026-01-01T00:30:00Z');
const named = (uid: string, object: Pod): Pod => ({ ...object, metadata: { ...object.metadata, uid, name: uid } });
const first = (object: Pod) => named('first', object);
const next = (object: Pod) => named('next', object);

it.each<[string, readonly Pod[], readonly string[]]>([
  ['that has made no pod yet', [], ['freeze']],
  ['whose pod waits', [pod(1)], ['freeze']],
  ['whose pod was taken away: the next one will read it', [first(pod(1, ended(10)))], ['freeze']],
  ['whose next pod waits', [first(pod(1, ended(10))), next(pod(1))], ['freeze']],
  ['whose pod is at work', [pod(1, running)], []],
  ['whose next pod is at work', [first(pod(1, ended(10))), next(pod(1, running))], []],
  ['whose pod has failed', [pod(1, ended(1))], []],
])('whether a missing frozen spec is written, for a Job %s', (_what, pods, actions) => {
  const decision = decide(observed({ live: true, jobs: [job(1)], missing: ['job-1'], pods }), NOW);
  expect(decision.actions.map(({ type }) => type)).toEqual(actions);
});

it.each<[string, readonly Pod[], readonly string[]]>([
  ['has no pod yet', [], []],
  ['has a pod without a node', [pod(1)], []],
  ['has a pod that its node is about to start', [pod(1, onNode())], ['freeze']],
  [
    'has another such pod, after one that was taken away',
    [first(pod(1, ended(10))), next(pod(1, onNode()))],
    ['freeze'],
  ],
  ['has a pod that has read it', [pod(1, running)], []],
])('whether a frozen spec of which nobody knows is written, for a Job that %s', (_what, pods, actions) => {
  const decision = decide(observed({ jobs: [job(1)], pods }), NOW);
  expect(decision.actions.map(({ type }) => type)).toEqual(actions);
});
