import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { findProcesses, killProcess, markedEnvironment, readMark, startTicks } from './processes.ts';

test('a mark is read only for its own folder, whole', () => {
  const environment = 'PATH=/bin\0DUALPARAL_CLUSTER_FOLDER=/tmp/x/ab\0DUALPARAL_CLUSTER_COMPONENT=etcd\0';
  expect(readMark(environment, '/tmp/x/ab')).toBe('etcd');
  expect(readMark(environment, '/tmp/x/a')).toBeNull();
  expect(readMark('PATH=/bin\0', '/tmp/x/ab')).toBeNull();
});

test('a marked process is found while it lives and not afterwards', async () => {
  const folder = `/nowhere/${process.pid}`;
  const child = spawn('sleep', ['60'], { env: markedEnvironment(folder, 'sleeper', process.env.PATH ?? '') });
  await once(child, 'spawn');
  expect(findProcesses(folder)).toMatchObject([{ pid: child.pid, component: 'sleeper' }]);
  const ended = once(child, 'close');
  killProcess(child.pid ?? 0);
  await ended;
  expect(findProcesses(folder)).toEqual([]);
  expect(() => killProcess(child.pid ?? 0)).not.toThrow();
});

test('the start of a process names it: this one has one, a dead one has none', () => {
  expect(startTicks(process.pid)).toBeGreaterThan(0);
  expect(startTicks(2 ** 22 + 1)).toBeNull();
});
