import { addressOf, cStrings, type Handle, ortApi } from './api.ts';
import { makeCurrent } from './cuda-device.ts';
import { PROVIDER_FILES } from './cuda-libraries.ts';
import { readProvider } from './cuda-provider.ts';
import type { Device } from './device.ts';
import { runtimeEnvironment } from './environment.ts';
import { deviceError } from './errors.ts';
import { loadProvider } from './load-provider.ts';
import { check, created } from './status.ts';

/** The runtime's number for growing by what is asked for, instead of by powers of two. */
const AS_REQUESTED = 1n;
/** For the words of the loader alone: that the provider does not load is known by then. */
const WORDS_MILLISECONDS = 60_000;
const NO_LIMIT = 2n ** 64n - 1n;

/**
 * Gives a CUDA device an arena for the sessions of this process that are loaded on it from now on, in whatever thread, until it gets another:
 * one limit for them, and what one has given back another takes. Those that are there keep theirs: what a session takes depends on what
 * shares its arena, and on nothing else that the device is at. An arena goes with the last session that was loaded while it was the newest,
 * on whatever device. Weights are no part of it, but the limit counts them. Takes memory of the device, which may never answer. Throws `E_DEVICE_…`.
 */
export async function openArena(device: Device): Promise<void> {
  const { name, index, memoryLimitBytes } = device;
  makeCurrent(device);
  // Registering memory of a provider that does not load aborts the process.
  const refusal = loadProvider(name);
  if (refusal !== undefined) {
    const { missing } = await readProvider({ environment: process.env, milliseconds: WORDS_MILLISECONDS });
    const values = {
      missing: missing.length > 0 ? missing.join(', ') : `${PROVIDER_FILES[1]} (${refusal})`,
      reason: '',
    };
    throw deviceError('E_DEVICE_PROVIDER', values);
  }
  const api = ortApi();
  const operation = 'making room in its memory';
  const settings = {
    max_mem: memoryLimitBytes === undefined ? NO_LIMIT : BigInt(memoryLimitBytes),
    arena_extend_strategy: AS_REQUESTED,
  };
  const [keys, keyMemory] = cStrings(Object.keys(settings));
  const values = BigUint64Array.from(Object.values(settings));
  const arena = created((out) => api.createArenaCfg(keys, values, keyMemory.length, out), name, operation);
  const memory = created((out) => api.createMemoryInfo('Cuda', 0, index, 0, out), name, operation);
  const [optionKeys, optionKeyMemory] = cStrings(['device_id']);
  const [optionValues, optionValueMemory] = cStrings([String(index)]);
  try {
    const status = api.createAndRegisterAllocator(
      runtimeEnvironment(name),
      'CUDAExecutionProvider',
      memory,
      arena,
      addressOf(optionKeys),
      addressOf(optionValues),
      Math.min(optionKeyMemory.length, optionValueMemory.length),
    );
    check(status, name, operation);
  } finally {
    api.releaseMemoryInfo(memory);
    api.releaseArenaCfg(arena);
  }
}

/**
 * Run options after whose run the session's arena gives back what no session uses: what others have left in it, since the running one's is
 * in use. The caller releases them. They cannot be cancelled: for short runs.
 */
export function shrinkingRun({ name, index }: Device): Handle {
  const api = ortApi();
  const operation = 'giving memory back';
  const options = created((out) => api.createRunOptions(out), name, operation);
  check(api.addRunConfigEntry(options, 'memory.enable_memory_arena_shrinkage', `gpu:${index}`), name, operation);
  return options;
}
