import { pipelineError } from './errors.ts';
import { CELLS } from './layout.ts';

/**
 *            slots             slots                        slots
 *   stage 0 ───────► stage 1 ───────► stage 2  ─── … ───► stage N−1
 *      ▲                                                     │ guidance, sampler
 *      └──────────────────── block states ◄──────────────────┘
 *
 *   done[0]          done[1]          done[2]              done[N−1]
 *
 * Between neighbours lies a ring of slots with one producer and one consumer. Item j uses slot j mod slots. One counter per
 * stage, "items done", is all that is exchanged: it tells the next stage that a slot is full and the stage before that one
 * is free, and the last one tells stage 0 which blocks are up to date. Each counter has one writer and only grows, so no
 * lock is needed and no wake-up can be lost. The last stage waits for nobody behind it, so the ring cannot lock up.
 */
export interface Ring {
  /** Waits until the stage may run item `index`: its input is there, and the slot for its output is free. */
  waitForItem(index: number): void;
  /** Waits until `count` items have left the last stage. */
  waitForCompleted(count: number): void;
  /** Waits until the main thread has copied out `count` blocks. */
  waitForTaken(count: number): void;
  /** Waits until stage 0 has filled the shared tables. */
  waitForConditions(): void;
  announceConditions(): void;
  /** Shows which block the stage is about to compute. */
  working(block: number): void;
  /** Hands on the stage's item. */
  done(): void;
  /** Shows that the stage has nothing left to do. */
  rest(): void;
  /** Throws `E_PIPELINE_STOPPED` once the run is to stop, as every wait does. */
  throwIfStopped(): void;
}

/** A stop that arrives between a check and a sleep is seen after this long. */
const WAKE_EVERY_MILLISECONDS = 100;

/** The ring as stage `stage` of `stages` sees it. Not for the main thread: its waits block. */
export function joinRing(control: SharedArrayBuffer, stage: number, stages: number, slots: number): Ring {
  const cells = new Int32Array(control);
  const own = CELLS.done(stage);
  const workingCell = CELLS.working(stage);

  function throwIfStopped(): void {
    if (isStopped(cells)) throw pipelineError('E_PIPELINE_STOPPED');
  }

  function rest(): void {
    Atomics.store(cells, workingCell, 0);
  }

  function waitFor(cell: number, count: number): void {
    for (;;) {
      throwIfStopped();
      const now = Atomics.load(cells, cell);
      if (now >= count) return;
      rest();
      Atomics.wait(cells, cell, now, WAKE_EVERY_MILLISECONDS);
    }
  }

  return {
    waitForItem(index) {
      if (stage > 0) waitFor(CELLS.done(stage - 1), index + 1);
      if (stage < stages - 1) waitFor(CELLS.done(stage + 1), index + 1 - slots);
    },
    waitForCompleted: (count) => waitFor(CELLS.done(stages - 1), count),
    waitForTaken: (count) => waitFor(CELLS.taken, count),
    waitForConditions: () => waitFor(CELLS.conditions, 1),
    announceConditions: () => raise(cells, CELLS.conditions),
    working: (block) => void Atomics.store(cells, workingCell, block + 1),
    done: () => raise(cells, own),
    rest,
    throwIfStopped,
  };
}

/** Adds one to a counter and wakes whoever waits for it. */
export function raise(cells: Int32Array, cell: number): void {
  Atomics.add(cells, cell, 1);
  Atomics.notify(cells, cell);
}

/** Tells every stage to stop, also those that wait. */
export function stopRing(control: SharedArrayBuffer): void {
  const cells = new Int32Array(control);
  Atomics.store(cells, CELLS.stop, 1);
  for (let cell = 0; cell < cells.length; cell++) Atomics.notify(cells, cell);
}

export function isStopped(cells: Int32Array): boolean {
  return Atomics.load(cells, CELLS.stop) === 1;
}
