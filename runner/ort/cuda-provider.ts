import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PROVIDER_FILES } from './cuda-libraries.ts';
import type { ProviderReading } from './gpu.ts';
import { libraryPath } from './library.ts';
import { problemsIn } from './provider-trial.ts';

/** Half a gigabyte of libraries, from a disk that may be a network's. */
const PATIENCE_MILLISECONDS = 60_000;

/**
 * Looks for the runtime's CUDA provider and, where it is there, lets a process of its own load it with all that it needs: a library may be
 * there and be damaged, or of another build, and in this process that could be the end.
 */
export function readProvider(runtime: string = libraryPath()): ProviderReading {
  const files = PROVIDER_FILES.map((name) => join(dirname(runtime), name)).filter((file) => !existsSync(file));
  if (files.length > 0) return { missing: files };
  const end = spawnSync(process.execPath, [join(import.meta.dirname, 'try-provider.ts')], {
    encoding: 'utf8',
    timeout: PATIENCE_MILLISECONDS,
    killSignal: 'SIGKILL',
    // It takes a byte of a GPU that it sees, and with it hundreds of megabytes of that GPU's memory.
    env: { ...process.env, DUALPARAL_ORT_LIBRARY: runtime, CUDA_VISIBLE_DEVICES: '-1' },
  });
  return { missing: end.stdout === null ? [] : problemsIn(end) };
}
