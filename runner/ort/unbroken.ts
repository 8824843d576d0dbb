/**
 * Calls that the end of a thread must not break off. While koffi loads, declares functions or makes a view, an end from outside
 * (`worker.terminate()`) leaves it an exception that it cannot throw, and it aborts the whole process. Plain calls of C functions
 * are not like that.
 */

/** Shared with those who may end a thread: 0 may be ended, 1 in a call that must not be broken off, 2 is being ended. */
export type EndGate = Int32Array<SharedArrayBuffer>;

const OPEN = 0;
const HELD = 1;
const ENDING = 2;

/** This thread's gate. */
export const endGate: EndGate = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
let depth = 0;

/** Does `work` as a whole: nobody who asks {@link mayEnd} ends this thread meanwhile. */
export function unbroken<T>(work: () => T): T {
  if (depth === 0 && Atomics.compareExchange(endGate, 0, OPEN, HELD) === ENDING) waitForTheEnd();
  depth++;
  try {
    return work();
  } finally {
    depth--;
    if (depth === 0) Atomics.store(endGate, 0, OPEN);
  }
}

/** For other threads: true once the thread of this gate may be ended; it does no such call from then on. */
export function mayEnd(gate: EndGate): boolean {
  return Atomics.compareExchange(gate, 0, OPEN, ENDING) !== HELD;
}

/** Whoever ends this thread has been told that it may: it will not be long. */
function waitForTheEnd(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)), 0, 0);
}
