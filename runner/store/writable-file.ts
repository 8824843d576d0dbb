import { access, constants, open, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CodedError } from '#contract/error.ts';
import { storeError } from './errors.ts';
import { isCode, reasonOf } from './explain.ts';
import { folderStore } from './folder.ts';

/**
 * Proves that a file can be written at `path`, before work depends on it: its folder is there and takes files, and what stands
 * at the path, if anything, is an ordinary file that may be replaced. Leaves everything as it was. Throws `E_STORE_FILE`.
 */
export async function checkWritableFile(path: string): Promise<void> {
  const refuse = (reason: string, cause?: unknown) => storeError('E_STORE_FILE', { path, reason }, cause);
  if (path === '') throw storeError('E_STORE_FILE', { path: "''", reason: 'the path is empty' });
  if (/[\\/]$/.test(path)) throw refuse('it ends like a folder');
  try {
    const target = await targetOf(path);
    const found = await stat(target).catch((error: unknown) => {
      if (!isCode(error, 'ENOENT')) throw error;
    });
    if (found?.isDirectory()) throw refuse('it is a folder');
    if (found !== undefined && !found.isFile()) throw refuse('it is a device, pipe or socket');
    const folder = await stat(dirname(target));
    if (!folder.isDirectory()) throw refuse(`${dirname(target)} is no folder`);
    if (found !== undefined) {
      await access(target, constants.W_OK);
      await (await open(target, 'r+')).close();
    }
    await folderStore(dirname(target)).check();
  } catch (error) {
    if (isCode(error, 'ENOENT')) throw refuse(`there is no folder ${dirname(resolve(path))}`, error);
    throw error instanceof CodedError ? error : refuse(reasonOf(error as NodeJS.ErrnoException), error);
  }
}

/** Longest chain of links that is followed, as on Linux. */
const MOST_LINKS = 40;

/** Where a path leads, through links, also through a link to a file that is not there yet; folders by their real names. */
export async function targetOf(path: string): Promise<string> {
  let place = resolve(path);
  for (let links = 0; links < MOST_LINKS; links++) {
    const folder = await realpath(dirname(place)).catch(() => dirname(place));
    place = join(folder, basename(place));
    const next = await readlink(place).catch(() => undefined);
    if (next === undefined) return place;
    place = resolve(folder, next);
  }
  return place;
}
