import { describe, expect, it } from 'vitest';
import {
  ended,
  onNode,
  pod,
  running,
  succeededResult,
  withCondition,
  withContainer,
  withInitContainer,
  withStatus,
} from '../../test/build/pod.ts';
import type { Pod } from '../api/kubernetes.ts';
import { podState, resultOf, runnerEnd, whyPodFailed } from './pod-facts.ts';

const failedResult = {
  contractVersion: 1,
  outcome: 'failed',
  framesReady: 0,
  elapsedSeconds: 3,
  error: { code: 'E_WEIGHTS_MISSING', message: 'model.safetensors is missing', fixer: 'user', exit: 'model' },
};
const stopError = {
  code: 'E_STOPPED',
  message: 'told to stop by SIGTERM after 45 of 81 frames',
  fixer: 'administrator',
  exit: 'resume',
};
const target = {
  type: 'DisruptionTarget',
  status: 'True',
  reason: 'EvictionByEvictionAPI',
  message: 'node is drained',
} as const;
const deleted = (object: Pod): Pod => ({
  ...object,
  metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:10:00Z' },
});

const dead = (exitCode: number, fields: object): Pod => pod(1, ended(exitCode, undefined, fields), deleted);

describe('podState', () => {
  it.each([
    ['a new pod', pod(1), 'waiting'],
    [
      'a pod whose image is being pulled',
      pod(1, onNode(), withContainer({ waiting: { reason: 'ContainerCreating' } })),
      'waiting',
    ],
    ['a pod at work', pod(1, running), 'running'],
    [
      'a pod whose runner has ended but which holds its GPUs still',
      pod(1, running, withContainer({ terminated: { exitCode: 1 } })),
      'running',
    ],
    ['a pod that ended well', pod(1, ended(0)), 'succeeded'],
    ['a pod that failed', pod(1, ended(40)), 'failed'],
    [
      'a pod that was evicted when its runner was through with the film',
      pod(1, ended(0, succeededResult), withStatus({ phase: 'Failed', reason: 'Evicted' })),
      'succeeded',
    ],
    [
      'a pod that was evicted although its runner said 0, without a film',
      pod(1, ended(0), withStatus({ phase: 'Failed', reason: 'Evicted' })),
      'disrupted',
    ],
    ['a pod that was drained', pod(1, ended(137), withCondition(target)), 'disrupted'],
    ['a pod that stopped cleanly before its end', pod(1, ended(10)), 'disrupted'],
    ['a pod whose runner was told to stop before it listened', pod(1, ended(143)), 'disrupted'],
    [
      'a pod whose runner was told to stop twice',
      pod(1, ended(143, { ...failedResult, outcome: 'stopped', error: { ...stopError, exit: 'ended' } })),
      'disrupted',
    ],
    ['a pod that somebody killed', pod(1, ended(137)), 'failed'],
    ...['2025-12-02T00:00:00Z', '2026-01-01T00:09:40Z', '2026-01-31T00:00:00Z'].flatMap(
      (finishedAt): [string, Pod, string][] => [
        [`a pod that somebody deleted, by a clock that says ${finishedAt}`, dead(143, { finishedAt }), 'disrupted'],
        [`a pod that failed and is deleted, by a clock that says ${finishedAt}`, dead(1, { finishedAt }), 'failed'],
      ],
    ),
    ['a pod that was deleted and did not listen', dead(137, {}), 'disrupted'],
    ['a pod that was deleted and stopped cleanly', dead(10, {}), 'disrupted'],
    [
      'a deleted pod of which the kubelet knows no container',
      pod(1, withStatus({ phase: 'Failed' }), deleted),
      'disrupted',
    ],
    ['a pod that ran out of memory and is deleted', dead(137, { reason: 'OOMKilled' }), 'failed'],
    [
      'a pod that the kubelet would not take',
      pod(1, withStatus({ phase: 'Failed', reason: 'UnexpectedAdmissionError' })),
      'disrupted',
    ],
    [
      'a pod for which a GPU was missing after all',
      pod(1, withStatus({ phase: 'Failed', reason: 'OutOfnvidia.com/gpu' })),
      'disrupted',
    ],
    [
      'a pod that ran out of its disk',
      pod(1, withStatus({ phase: 'Failed', reason: 'ContainerStatusUnknown' })),
      'failed',
    ],
  ])('of %s', (_what, object, state) => {
    expect(podState(object)).toBe(state);
  });
});

describe('resultOf', () => {
  it('reads the record, and takes nothing else for one', () => {
    expect(resultOf(runnerEnd(pod(1, ended(0, succeededResult))))).toEqual(succeededResult);
    const others = [
      undefined,
      '',
      'Segmentation fault',
      '{"level":30,"msg":"hello"}',
      { ...succeededResult, contractVersion: 9 },
    ];
    expect(others.map((message) => resultOf(runnerEnd(pod(1, ended(0, message)))))).toEqual(
      others.map(() => undefined),
    );
  });
});

it('last words are never cut in the middle of a character', () => {
  for (const length of [498, 499, 500]) {
    const { message } = whyPodFailed(pod(1, ended(1, `${'x'.repeat(length)}🎬🎬🎬`)));
    expect(message).toBe(message.toWellFormed());
  }
});

describe('whyPodFailed', () => {
  it.each([
    [
      "the runner's own error",
      ended(40, failedResult),
      { reason: 'E_WEIGHTS_MISSING', message: 'model.safetensors is missing' },
    ],
    [
      'a drain',
      (p: Pod) => withCondition(target)(ended(137)(p)),
      { reason: 'EvictionByEvictionAPI', message: 'node is drained' },
    ],
    [
      'memory that ran out',
      ended(137, undefined, { reason: 'OOMKilled' }),
      {
        reason: 'OutOfMemory',
        message: 'the runner ran out of memory (the limit of its container): raise spec.runner.resources.limits.memory',
      },
    ],
    [
      'a signal',
      ended(139, undefined, { signal: 11 }),
      { reason: 'Killed', message: 'the runner was killed by signal 11' },
    ],
    [
      'a clean stop',
      ended(10, { contractVersion: 1, outcome: 'stopped', framesReady: 0, elapsedSeconds: 1 }),
      { reason: 'RunnerStopped', message: 'the runner was told to stop, and stopped before the end' },
    ],
    [
      'a clean stop, and how far it was',
      ended(10, { ...failedResult, outcome: 'stopped', error: stopError }),
      { reason: 'RunnerStopped', message: 'told to stop by SIGTERM after 45 of 81 frames' },
    ],
    [
      'a clean stop that the cluster wanted, in its words',
      (p: Pod) => withCondition(target)(ended(10, { ...failedResult, outcome: 'stopped', error: stopError })(p)),
      { reason: 'EvictionByEvictionAPI', message: 'node is drained' },
    ],
    [
      'a stop before the runner could say a word',
      ended(143),
      { reason: 'RunnerStopped', message: 'the runner was told to stop, and stopped before the end' },
    ],
    [
      'a second stop',
      ended(143, {
        ...failedResult,
        outcome: 'stopped',
        error: { ...stopError, code: 'E_STOPPED_AT_ONCE', exit: 'ended' },
      }),
      { reason: 'E_STOPPED_AT_ONCE', message: 'told to stop by SIGTERM after 45 of 81 frames' },
    ],
    [
      'a crash, with the end of its log',
      ended(1, 'at main\nTypeError: x is not a function\n'),
      {
        reason: 'RunnerFailed',
        message:
          'the runner ended with exit code 1: an unexpected failure: please report it; its last words: TypeError: x is not a function',
      },
    ],
    [
      'a crash after the result was written, without repeating it',
      ended(13, succeededResult),
      { reason: 'RunnerFailed', message: 'the runner ended with exit code 13: not one of its own codes' },
    ],
    [
      'a code of nobody',
      ended(77),
      { reason: 'RunnerFailed', message: 'the runner ended with exit code 77: not one of its own codes' },
    ],
    [
      'a refusal by the kubelet',
      withStatus({ phase: 'Failed', reason: 'OutOfcpu', message: 'Node did not have enough resource: cpu' }),
      { reason: 'OutOfcpu', message: 'pod lighthouse-3f2a9c1b-1-abcde failed: Node did not have enough resource: cpu' },
    ],
    [
      'a container that failed before the runner came',
      (object: Pod) =>
        withInitContainer('mesh-init', { terminated: { exitCode: 1, message: 'a\nno route\n' } })(
          withStatus({ phase: 'Failed' })(object),
        ),
      {
        reason: 'PodFailed',
        message:
          'pod lighthouse-3f2a9c1b-1-abcde failed: container mesh-init ended with exit code 1; its last words: no route',
      },
    ],
    [
      'nothing at all',
      withStatus({ phase: 'Failed' }),
      { reason: 'PodFailed', message: 'pod lighthouse-3f2a9c1b-1-abcde failed: no reason given' },
    ],
  ])('tells %s', (_what, modify, expected) => {
    expect(whyPodFailed(pod(1, modify))).toEqual(expected);
  });
});
