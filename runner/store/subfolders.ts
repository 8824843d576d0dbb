import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { explain, isCode } from './explain.ts';
import { openStore } from './open.ts';

/**
 * Absolute paths of the folders directly below the store's own whose names match, by name; links are none, and a folder that is not there
 * has none. Throws `E_STORE_…` errors.
 */
export async function subfolders(uri: string, named: RegExp): Promise<readonly string[]> {
  const root = openStore(uri).location;
  const found = await readdir(root, { withFileTypes: true }).catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return [];
    throw explain(error, 'list', root);
  });
  return found
    .filter((entry) => entry.isDirectory() && named.test(entry.name))
    .map(({ name }) => resolve(root, name))
    .sort();
}
