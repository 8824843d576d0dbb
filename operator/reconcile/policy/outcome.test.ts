import { describe, expect, it } from 'vitest';
import {
  ended,
  onNode,
  pod,
  running,
  succeededResult,
  withCondition,
  withContainer,
  withStatus,
} from '../../../test/build/pod.ts';
import type { Pod } from '../../api/kubernetes.ts';
import { failureWhy, podState, resultOf, runnerEnd } from './outcome.ts';

const failedResult = {
  contractVersion: 1,
  outcome: 'failed',
  framesReady: 0,
  elapsedSeconds: 3,
  error: { code: 'E_WEIGHTS_MISSING', message: 'model.safetensors is missing', fixer: 'user', exit: 'model' },
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
    ['a pod that was drained', pod(1, ended(137), withCondition(target)), 'disrupted'],
    ['a pod that stopped cleanly before its end', pod(1, ended(10)), 'disrupted'],
    ['a pod that somebody deleted', pod(1, ended(137), deleted), 'disrupted'],
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

describe('failureWhy', () => {
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
      { reason: 'RunnerStopped', message: 'the runner was told to stop, and stopped cleanly before the end' },
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
      'nothing at all',
      withStatus({ phase: 'Failed' }),
      { reason: 'PodFailed', message: 'pod lighthouse-3f2a9c1b-1-abcde failed: no reason given' },
    ],
  ])('tells %s', (_what, modify, expected) => {
    expect(failureWhy(pod(1, modify))).toEqual(expected);
  });
});
