/** What the programs of this folder share: being started, and ending with a code and one line. */
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodeOf, toErrorRecord } from '#contract/error.ts';
import { imageError } from './errors.ts';
import { heedSignals, stopCode } from './stopping.ts';

/** Runs `main` with the words of the command line if the module `meta` is the program that was started. */
export async function runAsProgram(
  meta: ImportMeta,
  main: (args: readonly string[]) => void | Promise<void>,
): Promise<void> {
  const [, started] = process.argv;
  // Node tells the module by what links lead to, and the program by its own name.
  if (started === undefined || !existsSync(started) || realpathSync(started) !== meta.filename) return;
  heedSignals();
  // Who has seen enough does not end the build.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    const { code, message } = toErrorRecord(error);
    process.stderr.write(`${code}: ${message}\n`);
    process.exitCode = stopCode() ?? exitCodeOf(error);
  }
}

/** Throws `E_IMAGE_FOLDER` where a folder is not the one that is meant, which would have that file. */
export function requireFile(folder: string, what: string, wanted: string): void {
  if (!existsSync(join(folder, wanted))) throw imageError('E_IMAGE_FOLDER', { folder, what, wanted });
}
