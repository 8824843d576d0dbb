import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { explain } from './explain.ts';
import { syncFolder, UNFINISHED, writeAll } from './folder.ts';

/** A file that is filled piece by piece, in any order, under another name, and gets its own once it is whole. */
export interface UnfinishedFile {
  write(piece: Uint8Array, at: number): Promise<void>;
  /** Gives it its name, in place of what stands there. */
  finish(): Promise<void>;
  /** Leaves nothing of it; what has its name already stays. */
  discard(): Promise<void>;
}

/** Begins a file in the folder that it is to lie in, which is made where it is not there. All of it throws coded errors, but for `discard`. */
export async function openUnfinishedFile(path: string): Promise<UnfinishedFile> {
  const temporary = join(dirname(path), `${UNFINISHED}${randomBytes(8).toString('hex')}`);
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
