import { describe, expect, it } from 'vitest';
import { pod, running, withHealth, withStatus } from '../../test/build/pod.ts';
import type { Pod, ResourceStatus } from '../api/kubernetes.ts';
import { stillUnhealthy, unclearDevices, unhealthyDevices } from './device-health.ts';

const saying = (allocatedResourcesStatus: readonly ResourceStatus[], name = 'runner'): Pod =>
  pod(1, running, withStatus({ containerStatuses: [{ name, allocatedResourcesStatus }] }));

describe('the unhealthy devices of a pod', () => {
  it.each<[string, Pod, readonly string[] | undefined]>([
    ['are unknown where the cluster says nothing of devices', pod(1, running), undefined],
    ['are unknown before it has a container', pod(1), undefined],
    ['are none where all are healthy', pod(1, running, withHealth({ a: 'Healthy', b: 'Healthy' })), []],
    ['are none of which nobody knows', pod(1, running, withHealth({ a: 'Unknown' })), []],
    ['are none where a resource has no devices', saying([{ name: 'nvidia.com/gpu' }]), []],
    [
      'are named with their resource, in one order',
      pod(1, running, withHealth({ 'gpu-7': 'Unhealthy', 'gpu-1': 'Healthy', 'gpu-3': 'Unhealthy' })),
      ['nvidia.com/gpu gpu-3', 'nvidia.com/gpu gpu-7'],
    ],
    [
      'are named with what their driver says',
      pod(1, running, withHealth({ 'gpu-3': 'Unhealthy' }, 'Xid 79')),
      ['nvidia.com/gpu gpu-3 (Xid 79)'],
    ],
    [
      'may be of a claim',
      saying([{ name: 'claim:gpus/gpu', resources: [{ resourceID: 'k8s.nvidia.com/gpu=3', health: 'Unhealthy' }] }]),
      ['claim:gpus/gpu k8s.nvidia.com/gpu=3'],
    ],
    [
      "are the runner's, not those of a container that somebody else has put there",
      saying([{ name: 'x/nic', resources: [{ resourceID: 'n', health: 'Unhealthy' }] }], 'mesh'),
      undefined,
    ],
  ])('%s', (_what, object, expected) => {
    expect(unhealthyDevices(object)).toEqual(expected);
  });
});

it('devices of which nobody knows are named by resource alone', () => {
  expect(unclearDevices(pod(1, running, withHealth({ a: 'Unknown', b: 'Healthy' }, 'Xid 79')))).toEqual([
    'nvidia.com/gpu a',
  ]);
});

describe('a device that was unhealthy', () => {
  const before = ['nvidia.com/gpu a (Xid 79)'];
  it.each<[string, Parameters<typeof stillUnhealthy>[0], readonly string[]]>([
    ['stays so while nobody knows', { unhealthy: [], unclear: ['nvidia.com/gpu a'] }, before],
    ['stays so when its pod is gone', undefined, before],
    ['stays so when the kubelet says nothing any more', {}, before],
    ['is not so any more when it is called healthy', { unhealthy: [] }, []],
    ['is not so for another one of which nobody knows', { unhealthy: [], unclear: ['nvidia.com/gpu ab'] }, []],
    [
      'is named beside others',
      { unhealthy: ['nvidia.com/gpu b'], unclear: ['nvidia.com/gpu a'] },
      [...before, 'nvidia.com/gpu b'],
    ],
  ])('%s', (_what, told, expected) => {
    expect(stillUnhealthy(told, before)).toEqual(expected);
  });
});
