import { addressOf, cStrings, type Handle, ortApi, readCString } from './api.ts';
import { cancelHandles } from './cancel.ts';
import { makeCurrent } from './cuda-device.ts';
import type { Device } from './device.ts';
import { runtimeEnvironment } from './environment.ts';
import { type Lifetime, startLife } from './lifetime.ts';
import { check, created } from './status.ts';

/** A loaded graph on one device. Its memory is kept as long as a binding or a value made from it is. */
export interface Session {
  /** Throws `E_DEVICE_RELEASED` once it is released. */
  readonly handle: Handle;
  readonly life: Lifetime;
  readonly device: Device;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  release(): void;
}

/** How a graph is loaded. */
export interface SessionOptions {
  readonly device: Device;
  /** Real path of the folder that the graph's external weights are relative to; links out of it are refused. */
  readonly weightsFolder?: string;
  /**
   * Threads within an operator on the CPU; the runtime's choice (one per core) where absent. Changes no bit of matrix
   * products over prepacked weights, of attention or of norms; convolutions of tiny pictures do depend on it.
   */
  readonly intraOpThreads?: number;
  /**
   * On the CPU, by default, the runtime rearranges weights into memory of its own: up to twice as fast, and sums are
   * grouped alike whatever the number of threads. `false` computes on the mapped file itself, with no private copy: for
   * weights beyond the machine's memory. The two differ in the last bits.
   */
  readonly prepackWeights?: boolean;
  /** `basic` folds constants only. `all` may also fuse across the graph, so that a cut could be told from the numbers. */
  readonly optimize?: 'basic' | 'all';
  /** What is being loaded, for error messages. */
  readonly label?: string;
}

const OPTIMIZE_LEVEL = { basic: 1, all: 99 } as const;

/**
 * Loads an ONNX graph; its weights are mapped from the files it points to. Throws `E_DEVICE_RUNTIME`, `E_DEVICE_MEMORY`, and
 * `E_DEVICE_STOPPED` where another thread cancels this one's work meanwhile.
 */
export function createSession(model: Uint8Array, options: SessionOptions): Session {
  const api = ortApi();
  const device = options.device.name;
  const operation = `loading ${options.label ?? 'a graph'}`;
  const env = runtimeEnvironment(device);
  if (options.device.kind === 'cuda') makeCurrent(options.device);
  const settings = created((out) => api.cloneSessionOptions(cancelHandles().load, out), device, operation);
  try {
    configure(settings, options);
    const handle = created(
      (out) => api.createSessionFromArray(env, model, model.byteLength, settings, out),
      device,
      operation,
    );
    return describe(handle, options.device);
  } finally {
    api.releaseSessionOptions(settings);
  }
}

function configure(settings: Handle, options: SessionOptions): void {
  const api = ortApi();
  const { device, intraOpThreads, weightsFolder } = options;
  const entry = (key: string, value: string) =>
    check(api.addSessionConfigEntry(settings, key, value), device.name, `setting ${key}`);
  const level = OPTIMIZE_LEVEL[options.optimize ?? 'basic'];
  check(api.setSessionGraphOptimizationLevel(settings, level), device.name, 'setting the optimisation level');
  if (weightsFolder !== undefined) entry('session.model_external_initializers_file_folder_path', weightsFolder);
  if (device.kind === 'cuda' || options.prepackWeights === false) entry('session.disable_prepacking', '1');
  // A planned run would hold all its tensors in one piece, beside the pieces of the first run, which nothing gives back: half as much
  // memory again (on CUDA nearly as much), for no speed.
  entry('session.enable_mem_pattern', '0');
  // Idle threads of one stage must not spin on cores that another stage needs.
  entry('session.intra_op.allow_spinning', '0');
  if (device.kind === 'cuda') configureCuda(settings, device, entry);
  else if (intraOpThreads !== undefined) {
    check(api.setIntraOpNumThreads(settings, intraOpThreads), device.name, 'setting the number of threads');
  }
}

function configureCuda(settings: Handle, device: Device, entry: (key: string, value: string) => void): void {
  const api = ortApi();
  // Weights take their exact size instead of a piece of the arena's, and nothing may fall back to the CPU silently.
  entry('session.use_device_allocator_for_initializers', '1');
  entry('session.disable_cpu_ep_fallback', '1');
  // All other memory comes from the device's newest arena (arena.ts). Where there is none the session has one of its own.
  entry('session.use_env_allocators', '1');
  const wanted: Record<string, string> = {
    device_id: String(device.index),
    arena_extend_strategy: 'kSameAsRequested',
    use_tf32: '0',
    ...(device.memoryLimitBytes === undefined ? {} : { gpu_mem_limit: String(device.memoryLimitBytes) }),
  };
  const cuda = created((out) => api.createCudaProviderOptions(out), device.name, 'making CUDA options');
  try {
    const [keys, keyMemory] = cStrings(Object.keys(wanted));
    const [values, valueMemory] = cStrings(Object.values(wanted));
    const status = api.updateCudaProviderOptions(cuda, addressOf(keys), addressOf(values), keyMemory.length);
    check(status, device.name, `setting ${valueMemory.length} CUDA options`);
    check(api.appendExecutionProviderCuda(settings, cuda), device.name, 'opening the CUDA device');
  } finally {
    api.releaseCudaProviderOptions(cuda);
  }
}

function describe(handle: Handle, device: Device): Session {
  const api = ortApi();
  const life = startLife(`a session on ${device.name}`, () => api.releaseSession(handle));
  return {
    get handle() {
      life.check();
      return handle;
    },
    life,
    device,
    inputs: names(handle, device.name, api.sessionGetInputCount, api.sessionGetInputName),
    outputs: names(handle, device.name, api.sessionGetOutputCount, api.sessionGetOutputName),
    release: life.release,
  };
}

type Count = ReturnType<typeof ortApi>['sessionGetInputCount'];
type Name = ReturnType<typeof ortApi>['sessionGetInputName'];

function names(session: Handle, device: string, countOf: Count, nameOf: Name): readonly string[] {
  const api = ortApi();
  const operation = 'reading names';
  const allocator = created((out) => api.getAllocatorWithDefaultOptions(out), device, operation);
  const count = Number(created((out) => countOf(session, out), device, operation));
  return Array.from({ length: count }, (_, index) => {
    const text = created((out) => nameOf(session, index, allocator, out), device, operation);
    const name = readCString(text);
    check(api.allocatorFree(allocator, text), device, operation);
    return name;
  });
}
