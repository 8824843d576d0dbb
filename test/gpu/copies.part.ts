import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { PartContext } from './part.ts';

const here = (name: string) => join(import.meta.dirname, name);

/**
 * Copies between host and devices. Those of the runner itself are always counted; those of the runtime's provider by a library that is
 * loaded before CUDA's, which has to be compiled: without a C compiler they are not counted, and the figures say so.
 */
export async function run({ kind, folder, ...task }: PartContext): Promise<void> {
  const library = join(folder, 'count-copies.so');
  const built = spawnSync('cc', ['-shared', '-fPIC', '-o', library, here('count-copies.c'), '-ldl'], {
    encoding: 'utf8',
  });
  const why = problemOf(library, built);
  const child = spawn(process.execPath, [here('count-copies.ts'), JSON.stringify({ ...task, kind, folder })], {
    stdio: 'inherit',
    env: {
      ...process.env,
      COPY_LOG: join(folder, 'copies.log'),
      ...(why === undefined ? { LD_PRELOAD: library } : { COPIES_OF_PROVIDER: `not counted: ${why}` }),
    },
  });
  const [code, signal] = await once(child, 'exit');
  if (code !== 0) throw new Error(`counting ended with ${code ?? signal}`);
}

/** Why the library cannot be loaded before CUDA's; undefined where it can. The loader takes a list, which spaces and colons divide. */
function problemOf(library: string, { error, status, stderr }: SpawnSyncReturns<string>): string | undefined {
  if (error !== undefined) return 'there is no C compiler (cc) here';
  if (status !== 0) return stderr.trim();
  return /[\s:]/.test(library) ? `the loader reads ${library} as several names; set TMPDIR` : undefined;
}
