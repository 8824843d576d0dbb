import { describe, expect, it } from 'vitest';
import { onNode, pod, withCondition, withContainer, withInitContainer } from '../../test/build/pod.ts';
import { whyPodWaits } from './pod-facts.ts';

const unscheduled = (reason: string, message: string) =>
  withCondition({ type: 'PodScheduled', status: 'False', reason, message });
const waiting = (reason: string, message?: string) =>
  withContainer({ waiting: { reason, ...(message === undefined ? {} : { message }) } });
const mount = {
  reason: 'FailedMount',
  message: 'MountVolume.SetUp failed for volume "model": hostPath type check failed',
};

describe('whyPodWaits', () => {
  it.each([
    [
      'the scheduler in its own words',
      pod(1, unscheduled('Unschedulable', '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.')),
      undefined,
      { reason: 'Unschedulable', message: '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.' },
    ],
    [
      'a scheduling gate',
      pod(1, unscheduled('SchedulingGated', 'Scheduling is blocked due to non-empty scheduling gates')),
      undefined,
      { reason: 'SchedulingGated', message: 'Scheduling is blocked due to non-empty scheduling gates' },
    ],
    [
      'a scheduler that has not spoken',
      pod(1),
      undefined,
      { reason: 'WaitingForScheduler', message: 'pod lighthouse-3f2a9c1b-1-abcde waits for the scheduler' },
    ],
    [
      'an image that cannot be pulled',
      pod(1, onNode(), waiting('ImagePullBackOff', 'Back-off pulling image "x"')),
      mount,
      { reason: 'ImagePullBackOff', message: 'Back-off pulling image "x"' },
    ],
    [
      'a name that is none',
      pod(1, onNode(), waiting('InvalidImageName')),
      undefined,
      { reason: 'InvalidImageName', message: 'the kubelet gives no reason' },
    ],
    [
      'a container that cannot be set up',
      pod(1, onNode(), waiting('CreateContainerConfigError', 'secret "s" not found')),
      undefined,
      { reason: 'CreateContainerConfigError', message: 'secret "s" not found' },
    ],
    [
      'an image of a container that comes before the runner',
      pod(
        1,
        onNode(),
        waiting('PodInitializing'),
        withInitContainer('mesh-init', { terminated: { exitCode: 0 } }),
        withInitContainer('mesh-proxy', { waiting: { reason: 'ErrImagePull', message: 'not found' } }),
      ),
      undefined,
      { reason: 'ErrImagePull', message: 'container mesh-proxy: not found' },
    ],
    [
      'a container that comes before the runner and is at work',
      pod(
        1,
        onNode(),
        waiting('PodInitializing'),
        withInitContainer('mesh-init', { running: {} }),
        withInitContainer('mesh-proxy', { waiting: { reason: 'PodInitializing' } }),
      ),
      mount,
      mount,
    ],
    ['a volume that cannot be mounted', pod(1, onNode(), waiting('ContainerCreating')), mount, mount],
    [
      'a kubelet at work',
      pod(1, onNode(), waiting('ContainerCreating')),
      undefined,
      {
        reason: 'ContainerCreating',
        message: 'node gpu-1 is preparing pod lighthouse-3f2a9c1b-1-abcde: images and volumes',
      },
    ],
  ])('names %s', (_what, object, trouble, expected) => {
    expect(whyPodWaits(object, trouble)).toEqual(expected);
  });
});
