import type { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { cpuDevices, type Device } from '../../runner/ort/device.ts';
import { openArenas } from '../../runner/thread/arenas.ts';
import { patienceOf } from '../../runner/thread/patience.ts';

const worker = new URL('./programs/hanging-arena.ts', import.meta.url);
const patience = patienceOf({ DUALPARAL_PATIENCE_SECONDS: '1' });
const cuda = (index: number): Device => ({ kind: 'cuda', index, name: `cuda:${index}` });

const threads: Worker[] = [];
const remember = (thread: Worker) => void threads.push(thread);
beforeAll(() => void process.on('worker', remember));
afterAll(() => void process.off('worker', remember));
afterEach(() => void threads.splice(0));
const living = () => threads.filter(({ threadId }) => threadId !== -1).length;

test('a device that never answers is named, and its thread is ended', async () => {
  await expect(openArenas([cuda(0), cuda(1)], { worker, patience })).rejects.toMatchObject({
    code: 'E_DEVICE_HUNG',
    exit: 'device',
    message: expect.stringMatching(
      /^cuda:1 has not answered for \d+ s while making room in its memory and was given up/,
    ),
  });
  expect([threads.length, living()]).toEqual([1, 0]);
});

test('whoever asks gives a device a new arena, and one only', async () => {
  await openArenas([cuda(2), cuda(2)], { worker });
  expect([threads.length, living()]).toEqual([1, 0]);
  await openArenas([cuda(2)], { worker });
  expect([threads.length, living()]).toEqual([2, 0]);
});

test('a stop is heard while a device does not answer', async () => {
  const stop = new AbortController();
  const sharing = openArenas([cuda(3), cuda(4)], { worker, signal: stop.signal });
  setImmediate(() => stop.abort(new Error('stopped')));
  await expect(sharing).rejects.toThrow('stopped');
  expect(living()).toBe(0);
});

test('the processor needs none', async () => {
  await openArenas(cpuDevices(2), { worker });
  expect(threads).toHaveLength(0);
});
