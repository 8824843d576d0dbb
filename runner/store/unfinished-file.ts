import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { explain } from './explain.ts';
import { syncFolder, UNFINISHED, writeAll } from './folder.ts';
import { targetOf } from './writable-file.ts';

/** A file that is filled piece by piece, in any order, under another name, and gets its own once it is whole. */
export interface UnfinishedFile {
  write(piece: Uint8Array, at: number): Promise<void>;
  /** Gives it its name, in place of what stands there. */
  finish(): Promise<void>;
  /** Leaves nothing of it; what has its name already stays. */
  discard(): Promise<void>;
}

/** What runs for one output folder call a file that is not finished begins alike, and never as those for another do. */
async function beginningOf(path: string, outputFolder: string): Promise<string> {
  const place = await targetOf(outputFolder).catch(() => outputFolder);
  const digest = createHash('sha256')
    .update(`${place}\0${basename(path)}`)
    .digest('hex');
  return `${UNFINISHED}${digest.slice(0, 16)}-`;
}

/**
 * Removes what runs for this output folder were killed over. For the run that holds the folder: no other one that lives writes files
 * under these names. Never throws.
 */
export async function clearUnfinished(path: string, outputFolder: string): Promise<void> {
  const beginning = await beginningOf(path, outputFolder);
  const names = await readdir(dirname(path)).catch(() => []);
  for (const name of names.filter((one) => one.startsWith(beginning))) {
    await rm(join(dirname(path), name), { force: true }).catch(() => undefined);
  }
}

/**
 * Begins a file in the folder that it is to lie in, which is made where it is not there, by a run that holds the output folder. All of it
 * throws coded errors, but for `discard`.
 */
export async function openUnfinishedFile(path: string, outputFolder: string): Promise<UnfinishedFile> {
  const beginning = await beginningOf(path, outputFolder);
  const temporary = join(dirname(path), `${beginning}${randomBytes(8).toString('hex')}`);
  const told = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw explain(error, 'write', path);
    }
  };
  const file = await told(async () => {
    await mkdir(dirname(path), { recursive: true });
    return open(temporary, 'wx');
  });
  let isOpen = true;
  return {
    write: (piece, at) => told(() => writeAll(file, piece, at)),
    finish: () =>
      told(async () => {
        await file.sync();
        isOpen = false;
        await file.close();
        await rename(temporary, path);
        await syncFolder(dirname(path));
      }),
    async discard() {
      if (isOpen) await file.close().catch(() => undefined);
      isOpen = false;
      await rm(temporary, { force: true }).catch(() => undefined);
    },
  };
}
