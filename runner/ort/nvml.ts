import type { GpuProcess, NvmlDevice, NvmlReading } from './gpu.ts';
import { type NativeArgument, type NativeLibrary, openNative, reasonOf, textIn } from './native-library.ts';

/** NVIDIA's management library, part of the driver. */
export const NVML_LIBRARY = 'libnvidia-ml.so.1';

const INSUFFICIENT_SIZE = 7;
const TEXT_BYTES = 96;
/** `nvmlProcessInfo_t`: pid, padding, bytes, two numbers of the slice. */
const PROCESS_BYTES = 24;
const NOT_TOLD = 2n ** 64n - 1n;
/** Processes that may start between the two questions. */
const SPARE_PROCESSES = 8;

type Handle = bigint;

/** NVML as this file asks it. `ask` throws a plain error that names the call; `may` says whether it succeeded. */
interface Nvml {
  ask(name: string, letters: string, ...args: readonly NativeArgument[]): void;
  may(name: string, letters: string, ...args: readonly NativeArgument[]): boolean;
  readonly library: NativeLibrary;
}

/**
 * Asks NVML for the memory of all GPUs and their slices, whatever `CUDA_VISIBLE_DEVICES` hides: one by one, so that a GPU of which it
 * does not tell takes nothing from the others. Never throws.
 */
export function readNvml(file: string = NVML_LIBRARY): NvmlReading {
  const library = openNative(file);
  if ('problem' in library) return { kind: 'absent', detail: library.problem };
  const nvml = asNvml(library);
  try {
    nvml.ask('nvmlInit_v2', '');
  } catch (error) {
    return { kind: 'failed', detail: reasonOf(error) };
  }
  try {
    const count = number((out) => nvml.ask('nvmlDeviceGetCount_v2', 'p', out));
    const problems: string[] = [];
    const driverVersion = attempt(() => text((out) => nvml.ask('nvmlSystemGetDriverVersion', 'pu', out, TEXT_BYTES)));
    const devices = Array.from({ length: count }, (_, index) => index).flatMap((index) => {
      const failed = (reason: string) => void problems.push(`GPU ${index} of NVML: ${reason}`);
      const device = attempt(
        () => handle((out) => nvml.ask('nvmlDeviceGetHandleByIndex_v2', 'up', index, out)),
        failed,
      );
      return device === null ? [] : readWithSlices(nvml, device, failed);
    });
    return { kind: 'read', driverVersion, devices, problems };
  } catch (error) {
    return { kind: 'failed', detail: reasonOf(error) };
  } finally {
    nvml.may('nvmlShutdown', '');
  }
}

/** What `ask` gives, or null and a word to `failed` where it throws. */
function attempt<T>(ask: () => T, failed: Failed = () => {}): T | null {
  try {
    return ask();
  } catch (error) {
    failed(reasonOf(error));
    return null;
  }
}

type Failed = (reason: string) => void;

function asNvml(library: NativeLibrary): Nvml {
  return {
    library,
    ask(name, letters, ...args) {
      const code = library.call(name, letters, ...args);
      if (code === 0) return;
      const words = library.has('nvmlErrorString') ? `${library.text('nvmlErrorString', code)}, ` : '';
      throw new Error(`${name}: ${words}error ${code}`);
    },
    may: (name, letters, ...args) => library.has(name) && library.call(name, letters, ...args) === 0,
  };
}

function readWithSlices(nvml: Nvml, device: Handle, failed: Failed): readonly NvmlDevice[] {
  const current = new Uint32Array(1);
  const pending = new Uint32Array(1);
  const isCut = nvml.may('nvmlDeviceGetMigMode', 'ppp', device, current, pending) && current[0] === 1;
  const whole = readDevice(nvml, device, isCut ? 'cut' : 'no', failed);
  if (!isCut) return whole;
  const slots = attempt(() => number((out) => nvml.ask('nvmlDeviceGetMaxMigDeviceCount', 'pp', device, out)), failed);
  const slices: NvmlDevice[] = [];
  for (let slot = 0; slot < (slots ?? 0); slot++) {
    const out = new BigUint64Array(1);
    // A slot without a slice is an error of this call.
    if (!nvml.may('nvmlDeviceGetMigDeviceHandleByIndex', 'pup', device, slot, out)) continue;
    slices.push(...readDevice(nvml, out[0]!, 'slice', failed));
  }
  return [...whole, ...slices];
}

/** A device as far as NVML tells of it; none where not even its uuid, by which the driver's is found. */
function readDevice(nvml: Nvml, device: Handle, mig: NvmlDevice['mig'], failed: Failed): readonly NvmlDevice[] {
  const memory = new BigUint64Array(3);
  const uuid = attempt(() => text((out) => nvml.ask('nvmlDeviceGetUUID', 'ppu', device, out, TEXT_BYTES)), failed);
  if (uuid === null) return [];
  const name = attempt(() => text((out) => nvml.ask('nvmlDeviceGetName', 'ppu', device, out, TEXT_BYTES)));
  const bytes = attempt(() => {
    nvml.ask('nvmlDeviceGetMemoryInfo', 'pp', device, memory);
    return { totalBytes: Number(memory[0]), freeBytes: Number(memory[1]) };
  }, failed);
  return [{ uuid, name, totalBytes: null, freeBytes: null, ...bytes, processes: readProcesses(nvml, device), mig }];
}

/** Compute processes alone; a screen's memory shows in the free bytes only. */
function readProcesses({ library }: Nvml, device: Handle): readonly GpuProcess[] | null {
  const name = ['nvmlDeviceGetComputeRunningProcesses_v3', 'nvmlDeviceGetComputeRunningProcesses_v2'].find((version) =>
    library.has(version),
  );
  if (name === undefined) return null;
  const count = new Uint32Array(1);
  const first = library.call(name, 'ppp', device, count, null);
  if (first === 0) return [];
  if (first !== INSUFFICIENT_SIZE) return null;
  count[0] = count[0]! + SPARE_PROCESSES;
  const table = new DataView(new ArrayBuffer(count[0]! * PROCESS_BYTES));
  if (library.call(name, 'ppp', device, count, new Uint8Array(table.buffer)) !== 0) return null;
  return Array.from({ length: count[0]! }, (_, row) => {
    const bytes = table.getBigUint64(row * PROCESS_BYTES + 8, true);
    return { pid: table.getUint32(row * PROCESS_BYTES, true), bytes: bytes === NOT_TOLD ? null : Number(bytes) };
  });
}

function text(fill: (out: Uint8Array) => void): string {
  const out = new Uint8Array(TEXT_BYTES);
  fill(out);
  return textIn(out);
}

function number(fill: (out: Uint32Array) => void): number {
  const out = new Uint32Array(1);
  fill(out);
  return out[0]!;
}

function handle(fill: (out: BigUint64Array) => void): Handle {
  const out = new BigUint64Array(1);
  fill(out);
  return out[0]!;
}
