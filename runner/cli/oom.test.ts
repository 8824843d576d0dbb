import { expect, test } from 'vitest';
import { counterFiles } from './oom.ts';

test.each([
  {
    what: 'version 2, on a machine',
    groups: '0::/user.slice/session-3.scope\n',
    first: '/sys/fs/cgroup/user.slice/session-3.scope/memory.events',
  },
  { what: 'version 2, in a container', groups: '0::/\n', first: '/sys/fs/cgroup/memory.events' },
])('the counter of kills for lack of memory: $what', ({ groups, first }) =>
  expect(counterFiles(groups)[0]).toBe(first),
);

test.each([
  { what: 'on a machine', groups: '9:cpu:/a\n4:memory:/b\n0::/\n', file: '/sys/fs/cgroup/memory/b/memory.oom_control' },
  {
    what: 'mounted together with another',
    groups: '4:hugetlb,memory:/b\n',
    file: '/sys/fs/cgroup/memory/b/memory.oom_control',
  },
  { what: 'in a container', groups: '4:memory:/kubepods/x\n', file: '/sys/fs/cgroup/memory/memory.oom_control' },
])('version 1, $what', ({ groups, file }) => expect(counterFiles(groups)).toContain(file));
