import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PROVIDER_FILES } from './cuda-libraries.ts';
import type { ProviderReading } from './gpu.ts';
import { libraryPath } from './library.ts';
import { type OwnProcess, runOwn } from './own-process.ts';
import { problemsIn } from './provider-trial.ts';

/**
 * Looks for the runtime's CUDA provider and, where it is there, lets a process of its own load it with all that it needs: a library may be
 * there and be damaged, or of another build, and in this process that could be the end.
 */
export async function readProvider(look: OwnProcess, runtime: string = libraryPath()): Promise<ProviderReading> {
  const files = PROVIDER_FILES.map((name) => join(dirname(runtime), name)).filter((file) => !existsSync(file));
  if (files.length > 0) return { missing: files };
  // It takes a byte of a GPU that it sees, and with it hundreds of megabytes of that GPU's memory.
  const environment = { ...look.environment, DUALPARAL_ORT_LIBRARY: runtime, CUDA_VISIBLE_DEVICES: '-1' };
  return { missing: problemsIn(await runOwn('try-provider.ts', { ...look, environment })) };
}
