import { ortApi } from './api.ts';
import { shrinkingRun } from './arena.ts';
import { cancelHandles } from './cancel.ts';
import { deviceError } from './errors.ts';
import { startLife } from './lifetime.ts';
import type { Session } from './session.ts';
import { check, created } from './status.ts';
import type { Value } from './value.ts';

/** Inputs and outputs of a session tied to values: bind once, run many times. One thread uses it at a time. */
export interface Binding {
  bindInput(name: string, value: Value): void;
  bindOutput(name: string, value: Value): void;
  /**
   * Runs the graph over the bound values, synchronously; allocates nothing. Throws `E_DEVICE_STOPPED` when cancelled,
   * `E_DEVICE_RELEASED` after a release.
   */
  run(): void;
  /** Runs once, and makes a CUDA device have back what sessions that were released before had taken; where there is none it is `run`. */
  runAndShrink(): void;
  release(): void;
}

/** Binds nothing yet; unbound inputs make `run` throw. It holds its session, and each value until another takes its place. */
export function createBinding(session: Session): Binding {
  const api = ortApi();
  const { name: device } = session.device;
  const { run: options } = cancelHandles();
  const { handle: sessionHandle } = session;
  const handle = created((out) => api.createIoBinding(sessionHandle, out), device, 'making a binding');
  session.life.hold();
  const inputs = slots(session.inputs);
  const outputs = slots(session.outputs);
  const life = startLife(`a binding on ${device}`, () => {
    api.releaseIoBinding(handle);
    for (const slot of [...inputs.values(), ...outputs.values()]) slot.value?.life.letGo();
    session.life.letGo();
  });

  function tie(slot: Slot, value: Value, bind: typeof api.bindInput): void {
    life.check();
    check(bind(handle, slot.name, value.handle), device, 'binding a value');
    value.life.hold();
    slot.value?.life.letGo();
    slot.value = value;
  }

  return {
    bindInput: (name, value) => tie(slotOf(inputs, name, device), value, api.bindInput),
    bindOutput: (name, value) => tie(slotOf(outputs, name, device), value, api.bindOutput),
    run() {
      life.check();
      check(api.runWithBinding(sessionHandle, options, handle), device, 'running a graph');
    },
    runAndShrink() {
      life.check();
      const shrinking = session.device.kind === 'cuda' ? shrinkingRun(session.device) : null;
      try {
        check(api.runWithBinding(sessionHandle, shrinking ?? options, handle), device, 'running a graph');
      } finally {
        if (shrinking !== null) api.releaseRunOptions(shrinking);
      }
    },
    release: life.release,
  };
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
