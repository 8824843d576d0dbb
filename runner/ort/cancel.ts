import { type Handle, ortApi } from './api.ts';
import { check, created } from './status.ts';

/**
 * How other threads cancel the work of one thread. Plain numbers: they travel in messages and stay valid for the life of the
 * process.
 */
export interface CancelHandles {
  /** The thread's run options: their flag ends the run in progress and every later one. */
  readonly run: Handle;
  /** The session options that all of the thread's loads are cloned from; clones share their cancel flag. */
  readonly load: Handle;
}

// One pair per thread, never released: a cancel that comes late from another thread always finds valid memory.
let own: CancelHandles | undefined;

/** This thread's handles, for {@link cancelWork} in any other thread. */
export function cancelHandles(): CancelHandles {
  own ??= {
    run: created((out) => ortApi().createRunOptions(out), 'cpu', 'making run options'),
    load: created((out) => ortApi().createSessionOptions(out), 'cpu', 'making session options'),
  };
  return own;
}

/** Makes the run or load in progress in the thread that owns `handles`, and all its later ones, end with `E_DEVICE_STOPPED`. */
export function cancelWork({ run, load }: CancelHandles): void {
  check(ortApi().runOptionsSetTerminate(run), 'cpu', 'cancelling runs');
  check(ortApi().sessionOptionsSetLoadCancellationFlag(load, 1), 'cpu', 'cancelling loads');
}
