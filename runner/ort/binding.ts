import { type Handle, ortApi } from './api.ts';
import { deviceError } from './errors.ts';
import type { Session } from './session.ts';
import { check, created } from './status.ts';
import type { Value } from './value.ts';

/** Inputs and outputs of a session tied to values: bind once, run many times. One thread uses it at a time. */
export interface Binding {
  bindInput(name: string, value: Value): void;
  bindOutput(name: string, value: Value): void;
  /** Runs the graph over the bound values, synchronously; allocates nothing. Throws `E_DEVICE_STOPPED` when cancelled. */
  run(): void;
  release(): void;
}

// One record per thread, never released: a cancel that comes late from another thread always finds valid memory.
let runOptions: Handle | undefined;

/** Binds nothing yet; unbound inputs make `run` throw. */
export function createBinding(session: Session): Binding {
  const api = ortApi();
  const { name: device } = session.device;
  const options = cancelHandle();
  const handle = created((out) => api.createIoBinding(session.handle, out), device, 'making a binding');
  const inputs = slots(session.inputs);
  const outputs = slots(session.outputs);
  let released = false;
  return {
    bindInput(name, value) {
      const slot = slotOf(inputs, name, device);
      check(api.bindInput(handle, slot.name, value.handle), device, name);
      slot.value = value;
    },
    bindOutput(name, value) {
      const slot = slotOf(outputs, name, device);
      check(api.bindOutput(handle, slot.name, value.handle), device, name);
      slot.value = value;
    },
    run() {
      check(api.runWithBinding(session.handle, options, handle), device, 'running a graph');
    },
    release() {
      if (released) return;
      released = true;
      api.releaseIoBinding(handle);
    },
  };
}

/**
 * Address of this thread's cancel flag, for {@link cancelRuns} in any other thread. Send it through a message or a
 * SharedArrayBuffer; it stays valid for the life of the process.
 */
export function cancelHandle(): Handle {
  runOptions ??= created((out) => ortApi().createRunOptions(out), 'cpu', 'making run options');
  return runOptions;
}

/** Makes the run in progress in the thread that owns `handle`, and all its later ones, end with `E_DEVICE_STOPPED`. */
export function cancelRuns(handle: Handle): void {
  check(ortApi().runOptionsSetTerminate(handle), 'cpu', 'cancelling runs');
}

interface Slot {
  readonly name: Buffer;
  value: Value | undefined;
}

function slots(names: readonly string[]): ReadonlyMap<string, Slot> {
  return new Map(names.map((name) => [name, { name: Buffer.from(`${name}\0`), value: undefined }]));
}

function slotOf(all: ReadonlyMap<string, Slot>, name: string, device: string): Slot {
  const slot = all.get(name);
  if (slot !== undefined) return slot;
  const detail = `the graph has no "${name}", only: ${[...all.keys()].join(', ')}`;
  throw deviceError('E_DEVICE_RUNTIME', { device, operation: 'binding a value', detail });
}
