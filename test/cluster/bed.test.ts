import { expect, test } from 'vitest';
import { bedScript, inBed, isSlotFree } from './bed.ts';

test('the bed shows the Go commands before it hides the folders in which they may lie, and ends as the first process', () => {
  const lines = bedScript('/tmp/c', ['/var/lib/cache/etcd', '/root/kubernetes'], '/tmp/c/bin/0/pause').split('\n');
  const place = (text: string) => lines.findIndex((line) => line.includes(text));
  expect(place("'/var/lib/cache/etcd' '/tmp/c/bin/0'")).toBeGreaterThan(0);
  expect(place("'/tmp/c/own/var/lib' /var/lib")).toBeGreaterThan(place("'/root/kubernetes' '/tmp/c/bin/1'"));
  expect(lines.at(-2)).toBe("exec '/tmp/c/bin/0/pause'");
});

test('the kubelet is shown settings of its own instead of changing those of the machine', () => {
  const script = bedScript('/tmp/c', [], '/pause');
  expect(script).toContain("mount --bind '/tmp/c/settings/vm/overcommit_memory' /proc/sys/vm/overcommit_memory");
});

test('a command in the bed enters all of its namespaces', () => {
  expect(inBed({ pid: 7, path: '' }, ['ip', 'link'])).toEqual([
    ...['nsenter', '--target', '7', '--mount', '--net', '--pid', '--ipc', '--'],
    ...['ip', 'link'],
  ]);
});

test.each<[number, boolean]>([
  [0, true],
  [1, false],
  [2, false],
  [3, false],
  [10, true],
])('range %i is free: %s', (slot, free) => {
  const addresses = '    inet 10.90.1.1/30 scope global dualparal-1\n    inet 192.0.2.2/24';
  const routes = '10.91.2.0/24 via 10.90.2.2 dev x\ndefault via 10.92.3.1 dev eth0';
  expect(isSlotFree(slot, addresses, routes)).toBe(free);
});
