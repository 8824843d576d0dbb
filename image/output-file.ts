/** Where an image goes: looked at before it is made, which takes minutes. */
import { mkdirSync, mkdtempSync, realpathSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { imageError } from './errors.ts';

/** Absolute path of the file, with its folder made; of a link what it leads to. Throws `E_IMAGE_OUTPUT` where no image can be written there. */
export function outputFile(output: string): string {
  try {
    const found = statSync(output, { throwIfNoEntry: false });
    if (found !== undefined && !found.isFile()) throw imageError('E_IMAGE_OUTPUT', { output, detail: 'it is no file' });
    const file = found === undefined ? resolve(output) : realpathSync(output);
    mkdirSync(dirname(file), { recursive: true });
    rmdirSync(mkdtempSync(join(dirname(file), '.oci-')));
    return file;
  } catch (error) {
    throw asOutputError(output, error);
  }
}

/** What the system says of a file, as an error of writing `output`; any other error as it is. */
export function asOutputError(output: string, error: unknown): unknown {
  const { syscall, message } = error as NodeJS.ErrnoException;
  return syscall === undefined ? error : imageError('E_IMAGE_OUTPUT', { output, detail: message }, error);
}
