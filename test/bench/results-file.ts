import { randomBytes } from 'node:crypto';
import {
  closeSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Throws a plain error where the file could not be written: who measures for hours learns it before. What is there stays as it is, and
 * nothing is left where nothing was.
 */
export function checkWritable(file: string): void {
  const found = statSync(file, { throwIfNoEntry: false });
  closeSync(openSync(file, 'a'));
  if (found !== undefined && !found.isFile()) return;
  const place = placeOf(file);
  if (found === undefined) rmSync(place);
  const partial = beside(place);
  closeSync(openSync(partial, 'wx'));
  rmSync(partial);
}

/**
 * Writes a file as a whole or not at all, so that what was there stays where there is no room for the new one. A pipe or a device is
 * written as it is. Throws a plain error.
 */
export function writeResults(file: string, results: unknown): void {
  const text = `${JSON.stringify(results, null, 2)}\n`;
  const found = statSync(file, { throwIfNoEntry: false });
  if (found !== undefined && !found.isFile()) {
    writeFileSync(file, text);
    return;
  }
  const place = placeOf(file);
  const partial = beside(place);
  try {
    writeFileSync(partial, text, { flag: 'wx', mode: found?.mode ?? 0o666 });
    renameSync(partial, place);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}

function beside(file: string): string {
  return `${file}.${randomBytes(6).toString('hex')}.partial`;
}

/** Where a link leads to, whether anything is there or not: the link itself stays. */
function placeOf(file: string): string {
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (found?.isSymbolicLink() !== true) return file;
  return statSync(file, { throwIfNoEntry: false }) === undefined
    ? placeOf(resolve(dirname(file), readlinkSync(file)))
    : realpathSync(file);
}
