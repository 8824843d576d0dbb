import { describe, expect, test } from 'vitest';
import { groupRoomV1, groupRoomV2, groupsAbove, machineRoom, memoryRoom } from './machine-memory.ts';

const GIB = 2 ** 30;
const reader = (files: Readonly<Record<string, string>>) => (path: string) => files[path];

describe('what the machine has free is what it can give without swapping', () => {
  test.each([
    ['MemTotal:       24684000 kB\nMemFree:  1 kB\nMemAvailable:   20971520 kB\n', 20 * GIB],
    ['MemAvailable: 1024 kB\n', 2 ** 20],
    ['MemTotal: 24684000 kB\nMemFree: 20971520 kB\n', undefined],
    ['', undefined],
  ])('%j', (text, bytes) => expect(machineRoom(text)?.bytes).toBe(bytes));
});

describe('groups above a group', () => {
  test.each([
    ['/', ['']],
    ['/a/b', ['/a/b', '/a', '']],
    ['/a/b/', ['/a/b', '/a', '']],
    // A process outside its namespace's root.
    ['/../../kubepods/pod1', ['/kubepods/pod1', '/kubepods', '']],
  ])('%s', (path, groups) => expect(groupsAbove(path)).toEqual(groups));
});

describe('room of a group of version 2', () => {
  test.each([
    { what: 'nothing used', files: { 'memory.max': '4294967296\n' }, bytes: 4 * GIB },
    { what: 'no limit', files: { 'memory.max': 'max\n', 'memory.current': '1' }, bytes: undefined },
    { what: 'no such group', files: {}, bytes: undefined },
    {
      what: 'files in memory can be dropped',
      files: {
        'memory.max': `${4 * GIB}`,
        'memory.current': `${3 * GIB}`,
        'memory.stat': `anon ${GIB}\nfile ${2 * GIB}\nactive_file ${GIB}\ninactive_file ${GIB}\n`,
      },
      bytes: 3 * GIB,
    },
    { what: 'more used than allowed', files: { 'memory.max': '10', 'memory.current': '20' }, bytes: 0 },
    { what: 'a damaged file', files: { 'memory.max': 'much' }, bytes: undefined },
    { what: 'slowed down from a limit on', files: { 'memory.max': 'max', 'memory.high': `${GIB}` }, bytes: GIB },
    {
      what: 'slowed down before the limit',
      files: { 'memory.max': `${2 * GIB}`, 'memory.high': `${GIB}` },
      bytes: GIB,
    },
    { what: 'never slowed down', files: { 'memory.max': `${2 * GIB}`, 'memory.high': 'max' }, bytes: 2 * GIB },
  ])('$what', ({ files, bytes }) => {
    const named = Object.fromEntries(Object.entries(files).map(([name, text]) => [`/g/${name}`, text]));
    expect(groupRoomV2('/g', reader(named))?.bytes).toBe(bytes);
  });
});

describe('room of a group of version 1', () => {
  test.each([
    { what: 'nothing used', files: { limit_in_bytes: `${2 * GIB}\n` }, bytes: 2 * GIB },
    { what: 'no limit is a large number', files: { limit_in_bytes: '9223372036854771712' }, bytes: undefined },
    {
      what: 'a limit of a group above, which its statistics tell',
      files: { limit_in_bytes: '9223372036854771712', usage_in_bytes: '0', stat: `hierarchical_memory_limit ${GIB}\n` },
      bytes: GIB,
    },
    {
      what: 'a larger limit above',
      files: { limit_in_bytes: `${GIB}`, stat: `hierarchical_memory_limit ${2 * GIB}\n` },
      bytes: GIB,
    },
    {
      what: 'files of all groups in it can be dropped',
      files: {
        limit_in_bytes: `${2 * GIB}`,
        usage_in_bytes: `${GIB}`,
        stat: `active_file 5\ntotal_active_file ${GIB / 4}\ntotal_inactive_file ${GIB / 4}\n`,
      },
      bytes: 1.5 * GIB,
    },
  ])('$what', ({ files, bytes }) => {
    const named = Object.fromEntries(Object.entries(files).map(([name, text]) => [`/g/memory.${name}`, text]));
    expect(groupRoomV1('/g', reader(named))?.bytes).toBe(bytes);
  });
});

describe('the least room counts', () => {
  const meminfo = { '/proc/meminfo': 'MemTotal: 8388608 kB\nMemAvailable: 6291456 kB\n' };
  test.each([
    { what: 'nobody tells', files: {}, room: undefined },
    { what: 'the machine', files: meminfo, room: { bytes: 6 * GIB, place: 'this machine', of: ' free of 8.00 GiB' } },
    {
      what: 'a container of version 2, which sees its group at the root',
      files: { ...meminfo, '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': `${4 * GIB}` },
      room: { bytes: 4 * GIB, place: 'its control group (/sys/fs/cgroup)', of: ' left of its limit of 4.00 GiB' },
    },
    {
      what: 'a limit of a group above its own',
      files: {
        ...meminfo,
        '/proc/self/cgroup': '0::/a/b\n',
        '/sys/fs/cgroup/a/b/memory.max': 'max',
        '/sys/fs/cgroup/a/memory.max': `${GIB}`,
      },
      room: { bytes: GIB, place: 'its control group (/sys/fs/cgroup/a)', of: ' left of its limit of 1.00 GiB' },
    },
    {
      what: 'a container of version 1, whose file names a path that it cannot see',
      files: {
        ...meminfo,
        '/proc/self/cgroup': '4:memory:/docker/12\n0::/\n',
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${GIB}`,
      },
      room: { bytes: GIB, place: 'its control group (/sys/fs/cgroup/memory)', of: ' left of its limit of 1.00 GiB' },
    },
    {
      what: 'memory among several controllers of version 1',
      files: { '/proc/self/cgroup': '3:cpu,memory:/x\n', '/sys/fs/cgroup/memory/x/memory.limit_in_bytes': `${GIB}` },
      room: { bytes: GIB, place: 'its control group (/sys/fs/cgroup/memory/x)', of: ' left of its limit of 1.00 GiB' },
    },
  ])('$what', ({ files, room }) => expect(memoryRoom(reader(files))).toEqual(room));
});
