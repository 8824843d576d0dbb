import { expect, test } from 'vitest';
import { cgroupMounts } from './cgroups.ts';
import { mountsInside } from './teardown.ts';

const mountInfo = [
  '24 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
  '27 25 0:23 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu',
  '28 25 0:24 / /sys/fs/cgroup/unified rw shared:4 - cgroup2 cgroup2 rw',
  '40 24 0:40 / /tmp/dualparal-cluster/a/x rw - tmpfs tmpfs rw',
  '41 24 0:41 / /tmp/dualparal-cluster/ab rw - tmpfs tmpfs rw',
].join('\n');

test('cgroup hierarchies of both versions are found', () => {
  expect(cgroupMounts(mountInfo)).toEqual(['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/unified']);
});

test('mounts inside a folder are found, those of a folder with a longer name are not', () => {
  expect(mountsInside('/tmp/dualparal-cluster/a', mountInfo)).toEqual(['/tmp/dualparal-cluster/a/x']);
});
