import { expect, test } from 'vitest';
import { clusterFolder, clusterLayout } from './layout.ts';

test('clusters of different numbers share no address, and every address lies in its range', () => {
  expect(clusterLayout('a', 7)).toEqual({
    name: 'a',
    slot: 7,
    folder: '/tmp/dualparal-cluster/a',
    link: 'dualparal-7',
    linkPrefixLength: 30,
    hostAddress: '10.90.7.1',
    nodeAddress: '10.90.7.2',
    podRange: '10.91.7.0/24',
    serviceRange: '10.92.7.0/24',
    kubernetesAddress: '10.92.7.1',
    cgroup: 'dualparal-a',
    kubeconfig: '/tmp/dualparal-cluster/a/kubeconfig/admin',
    certificates: '/tmp/dualparal-cluster/a/certificates',
    logs: '/tmp/dualparal-cluster/a/logs',
    silentGpus: '/tmp/dualparal-cluster/a/silent-gpus',
    unhealthyGpus: '/tmp/dualparal-cluster/a/unhealthy-gpus',
    work: '/tmp/dualparal-cluster/a/work',
  });
});

test('the longest link name fits what the kernel takes', () => {
  expect(clusterLayout('a', 99).link.length).toBeLessThanOrEqual(15);
});

test.each(['', '.', '..', 'a/b', 'A', '-a', 'a-', "a'b", 'a'.repeat(33)])('the name %j is refused', (name) => {
  expect(() => clusterFolder(name)).toThrow('is no name of a cluster');
});
