/** What the programs of this folder share: being started, and ending with a code and one line. */
import { fileURLToPath } from 'node:url';
import { exitCodeOf, toErrorRecord } from '#contract/error.ts';
import { type ImageName, imageNames } from './contents.ts';
import { imageError } from './errors.ts';

/** Runs `main` with the words of the command line if the module `meta` is the program that was started. */
export async function runAsProgram(
  meta: ImportMeta,
  main: (args: readonly string[]) => void | Promise<void>,
): Promise<void> {
  if (process.argv[1] !== fileURLToPath(meta.url)) return;
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    const { code, message } = toErrorRecord(error);
    process.stderr.write(`${code}: ${message}\n`);
    process.exitCode = exitCodeOf(error);
  }
}

/** A word as the name of an image. Throws `E_IMAGE_USAGE`. */
export function imageNameOf(word: string | undefined): ImageName {
  const name = imageNames.find((known) => known === word);
  if (name !== undefined) return name;
  throw imageError('E_IMAGE_USAGE', {
    detail: `the image must be one of ${imageNames.join(', ')}, found ${word ?? 'none'}`,
  });
}
