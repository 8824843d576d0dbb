import { describe, expect, it } from 'vitest';
import { job } from '../../test/build/job.ts';
import { type Cluster, sourcesOf } from '../../test/build/observed.ts';
import { ended, pod, running } from '../../test/build/pod.ts';
import { resourceOfCurrentPod } from './current-pod.ts';

const second = {
  ...pod(1, running),
  metadata: { ...pod(1).metadata, name: 'second', uid: 'pod-1b', creationTimestamp: '2026-01-01T00:09:00Z' },
};

describe('resourceOfCurrentPod', () => {
  it.each<[string, Cluster, string, string | undefined]>([
    ['a pod at work', { jobs: [job(1)], pods: [pod(1, running)] }, 'pod-1', 'films/lighthouse'],
    ['a pod that the cache does not see running yet', { jobs: [job(1)], pods: [pod(1)] }, 'pod-1', 'films/lighthouse'],
    ['a pod of nobody', { jobs: [job(1)], pods: [pod(1, running)] }, 'stranger', undefined],
    ['a pod that has ended', { jobs: [job(1)], pods: [pod(1, ended(1))] }, 'pod-1', undefined],
    ['a pod that was replaced', { jobs: [job(1)], pods: [pod(1, running), second] }, 'pod-1', undefined],
    ['its replacement', { jobs: [job(1)], pods: [pod(1, running), second] }, 'pod-1b', 'films/lighthouse'],
    [
      'a pod whose Job was followed by another',
      { jobs: [job(1), job(2)], pods: [pod(1, running)] },
      'pod-1',
      undefined,
    ],
    ['a pod without its Job', { pods: [pod(1, running)] }, 'pod-1', undefined],
  ])('of %s', (_what, cluster, uid, expected) => {
    expect(resourceOfCurrentPod(sourcesOf(cluster), uid)).toBe(expected);
  });
});
