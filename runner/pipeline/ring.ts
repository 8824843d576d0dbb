import { pipelineError } from './errors.ts';
import { CELLS } from './layout.ts';
import type { Line } from './line.ts';

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
 *
 * With guidance in parallel there are two lines. Branch 1's last stage hands its velocities to branch 0's, the updating one,
 * through slots of the same kind, and its first one enters a block once branch 0's has started it. Both wait only for what comes
 * earlier in the schedule, so they cannot lock each other up either.
 */
export interface Ring {
  /** Waits until the stage may run item `index`: its input is there, and the slot for its output is free. */
  waitForItem(index: number): void;
  /** Waits until `count` items have left the updating stage. */
  waitForCompleted(count: number): void;
  /** Waits until `count` blocks have their first noise. */
  waitForStarted(count: number): void;
  announceStarted(): void;
  /** Waits until the main thread has copied out `count` blocks. */
  waitForTaken(count: number): void;
  /** Waits until stage 0 has filled the shared tables. */
  waitForConditions(): void;
  announceConditions(): void;
  /** In a run that goes on: waits until the states that it goes on with are there. */
  waitForRestored(): void;
  /** On branch 1's last stage: waits until the slot for velocity `index` is free. */
  waitForVelocitySlot(index: number): void;
  /** On the updating stage: waits until branch 1's line, whose last stage is `from`, has done `count` items. */
  waitForVelocities(from: number, count: number): void;
  /** On the updating stage: gives the slot of the oldest velocity free. */
  velocityUsed(): void;
  /** Shows which block the stage is about to compute. */
  working(block: number): void;
  /** Hands on the stage's item. */
  done(): void;
  /** Shows that the stage has nothing left to do. */
  rest(): void;
  /** After the last item: waits until no stage of the run touches another's memory any more, so that it may be freed. */
  leaveTogether(): void;
  /** The same after a stop or a failure, for so long: false where a stage does not leave, and may touch whatever it likes. */
  leaveWithin(milliseconds: number): boolean;
  /** Throws `E_PIPELINE_STOPPED` once the run is to stop, as every wait does. */
  throwIfStopped(): void;
  /** Waits for the run to be stopped. */
  standStill(): never;
}

/** A stop that arrives between a check and a sleep is seen after this long. */
const WAKE_EVERY_MILLISECONDS = 100;

/** The ring as a stage of a line sees it. Not for the main thread: its waits block. */
export function joinRing(control: SharedArrayBuffer, stage: number, line: Line, slots: number): Ring {
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

  let hasLeft = false;
  function leave(): void {
    if (!hasLeft) raise(cells, CELLS.left);
    hasLeft = true;
  }

  return {
    waitForItem(index) {
      if (stage > line.first) waitFor(CELLS.done(stage - 1), index + 1);
      if (stage < line.last) waitFor(CELLS.done(stage + 1), index + 1 - slots);
    },
    waitForCompleted: (count) => waitFor(CELLS.done(line.updater), count),
    waitForStarted: (count) => waitFor(CELLS.started, count),
    announceStarted: () => raise(cells, CELLS.started),
    waitForTaken: (count) => waitFor(CELLS.taken, count),
    waitForConditions: () => waitFor(CELLS.conditions, 1),
    announceConditions: () => raise(cells, CELLS.conditions),
    waitForRestored: () => waitFor(CELLS.restored, 1),
    waitForVelocitySlot: (index) => waitFor(CELLS.velocitiesUsed, index + 1 - slots),
    waitForVelocities: (from, count) => waitFor(CELLS.done(from), count),
    velocityUsed: () => raise(cells, CELLS.velocitiesUsed),
    working: (block) => void Atomics.store(cells, workingCell, block + 1),
    done: () => raise(cells, own),
    rest,
    leaveTogether() {
      leave();
      waitFor(CELLS.left, stagesIn(cells));
    },
    leaveWithin(milliseconds) {
      leave();
      const until = performance.now() + milliseconds;
      for (;;) {
        const now = Atomics.load(cells, CELLS.left);
        if (now >= stagesIn(cells)) return true;
        const rest = until - performance.now();
        if (rest <= 0 || Atomics.wait(cells, CELLS.left, now, rest) === 'timed-out') return false;
      }
    },
    throwIfStopped,
    standStill() {
      waitFor(CELLS.stop, 1);
      throw pipelineError('E_PIPELINE_STOPPED');
    },
  };
}

/** The stages that a control memory is for. */
function stagesIn(cells: Int32Array): number {
  return (cells.length - CELLS.done(0)) / (CELLS.done(1) - CELLS.done(0));
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
