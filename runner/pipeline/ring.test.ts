import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { CELLS } from './layout.ts';
import { wholeLine } from './line.ts';
import { joinRing, raise, stopRing } from './ring.ts';

const SLOTS = 2;
const control = (stages: number) => new SharedArrayBuffer(CELLS.done(stages) * 4);

/** A stage that adds one to every number it is handed; the last one counts what is wrong. */
const STAGE = `
import { joinRing } from '${new URL('./ring.ts', import.meta.url).href}';
import { parentPort, workerData } from 'node:worker_threads';
const { control, stage, stages, slots, items, rings } = workerData;
const ring = joinRing(control, stage, { first: 0, last: stages - 1, updater: stages - 1, branch: null }, slots);
const before = stage > 0 ? new Int32Array(rings[stage - 1]) : undefined;
const after = stage < stages - 1 ? new Int32Array(rings[stage]) : undefined;
let wrong = 0;
try {
  for (let index = 0; index < items; index++) {
    if (stage === 0) ring.waitForCompleted(index - 50);
    ring.waitForItem(index);
    const value = before ? before[index % slots] : index;
    if (after) after[index % slots] = value + 1;
    else if (value !== index + stages - 1) wrong++;
    ring.done();
  }
  parentPort.postMessage({ wrong });
} catch (error) {
  parentPort.postMessage({ code: error.code });
}
`;

/** Runs the stages of `started` (all of them unless said) on threads of their own; what each one says at its end. */
function startStages(
  stages: number,
  items: number,
  memory: SharedArrayBuffer,
  started: readonly number[] = Array.from({ length: stages }, (_, stage) => stage),
): readonly Promise<unknown>[] {
  const rings = Array.from({ length: stages - 1 }, () => new SharedArrayBuffer(SLOTS * 4));
  return started.map(async (stage) => {
    const workerData = { control: memory, stage, stages, slots: SLOTS, items, rings };
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(STAGE)}`), { workerData });
    const [message] = await once(worker, 'message');
    return message;
  });
}

test('four threads hand 20,000 numbers on without losing, repeating or overwriting one', async () => {
  const memory = control(4);
  expect(await Promise.all(startStages(4, 20_000, memory))).toEqual(new Array(4).fill({ wrong: 0 }));
  const cells = new Int32Array(memory);
  expect([0, 1, 2, 3].map((stage) => cells[CELLS.done(stage)])).toEqual(new Array(4).fill(20_000));
});

test('a stop ends every wait, whatever it is for', async () => {
  const memory = control(3);
  // The middle stage never starts, so both others wait: one for a slot, the other for an item.
  const waiting = startStages(3, 20_000, memory, [0, 2]);
  const cells = new Int32Array(memory);
  while (Atomics.load(cells, CELLS.done(0)) < SLOTS) await new Promise((resolve) => setTimeout(resolve, 10));
  stopRing(memory);
  expect(await Promise.all(waiting)).toEqual(new Array(2).fill({ code: 'E_PIPELINE_STOPPED' }));
});

describe('a stage may run an item', () => {
  const ring = (done: readonly number[], stage: number) => {
    const memory = control(done.length);
    const cells = new Int32Array(memory);
    for (const [index, items] of done.entries()) cells[CELLS.done(index)] = items;
    const joined = joinRing(memory, stage, wholeLine(done.length), SLOTS);
    // A wait that would sleep ends at once with an error.
    return { joined, waits: (index: number) => waits(memory, () => joined.waitForItem(index)) };
  };

  function waits(memory: SharedArrayBuffer, wait: () => void): boolean {
    const cells = new Int32Array(memory);
    const stop = Atomics.wait;
    Atomics.wait = (() => {
      cells[CELLS.stop] = 1;
      return 'ok';
    }) as typeof Atomics.wait;
    try {
      wait();
      return false;
    } catch {
      return true;
    } finally {
      Atomics.wait = stop;
    }
  }

  test.each([
    { what: 'once the stage before has done it', done: [5, 4, 4], stage: 1, index: 4, waiting: false },
    { what: 'not before that', done: [4, 4, 4], stage: 1, index: 4, waiting: true },
    { what: 'while the stage behind is one item late', done: [6, 5, 4], stage: 1, index: 5, waiting: false },
    { what: 'not when both slots behind it are full', done: [6, 5, 3], stage: 1, index: 5, waiting: true },
    { what: 'at the end of the ring, where nobody is behind', done: [9, 9, 8], stage: 2, index: 8, waiting: false },
    { what: 'alone, at any time', done: [0], stage: 0, index: 0, waiting: false },
  ])('$what', ({ done, stage, index, waiting }) => {
    expect(ring(done, stage).waits(index)).toBe(waiting);
  });
});

test('raising a counter wakes a sleeper at once', async () => {
  const memory = control(1);
  const cells = new Int32Array(memory);
  const sleep = Atomics.waitAsync(cells, CELLS.taken, 0, 60_000);
  raise(cells, CELLS.taken);
  expect(await sleep.value).toBe('ok');
  expect(cells[CELLS.taken]).toBe(1);
});
