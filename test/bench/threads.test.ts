import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { reportsOf } from './threads.ts';

const READY = `const { parentPort, workerData } = require('node:worker_threads'); parentPort.postMessage('ready');`;
/** Until the number is no longer 0. */
const WAIT = 'Atomics.wait(workerData.go, 0, 0);';

function threads(...programs: readonly string[]) {
  const go = new Int32Array(new SharedArrayBuffer(4));
  const workers = programs.map((program) => new Worker(READY + program, { eval: true, workerData: { go } }));
  const begin = () => {
    go[0] = 1;
    Atomics.notify(go, 0);
  };
  return { workers, begin };
}

test('all threads begin together, and their reports come in their order', async () => {
  const { workers, begin } = threads(`${WAIT} parentPort.postMessage(1)`, `${WAIT} parentPort.postMessage(2)`);
  expect(await reportsOf<number>(workers, begin)).toEqual([1, 2]);
});

test('where one fails, one that waits for it for ever is ended, and what failed is told', async () => {
  const { workers, begin } = threads(
    'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);',
    `${WAIT} throw new Error('no memory')`,
  );
  const ended = workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
  await expect(reportsOf(workers, begin)).rejects.toThrow('no memory');
  await Promise.all(ended);
});
