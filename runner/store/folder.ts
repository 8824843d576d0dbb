import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, lstat, mkdir, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { storeError } from './errors.ts';
import { explain, isCode } from './explain.ts';
import { freeBytes } from './free-space.ts';
import type { Content, Store, StoredFile } from './store.ts';

/** Written under this prefix until complete, so that a listing never shows half a file. */
export const UNFINISHED = '.unfinished-';
const ATTEMPT_BYTES = 8;

/**
 * A store in a folder of this machine (a mounted volume, too). The folder is made when something is first written. It may be a
 * link; below it no link is followed, whatever stands there.
 */
export function folderStore(folder: string): Store {
  const root = resolve(folder);
  const attempt = randomBytes(ATTEMPT_BYTES).toString('hex');
  const temporaryName = () => `${UNFINISHED}${attempt}-${randomBytes(8).toString('hex')}`;

  const readInto: Store['readInto'] = async (name, start, to) => {
    const path = await realPathOf(root, name);
    try {
      return await withFile(path, 'r', (file) => readAll(file, start, to));
    } catch (error) {
      throw explain(error, 'read', path);
    }
  };

  return {
    location: root,
    attempt,

    async check() {
      const probe = join(root, temporaryName());
      try {
        await makeFolder(root);
        await (await open(probe, 'wx')).close();
        await rm(probe);
      } catch (error) {
        throw explain(error, 'write', root);
      }
    },

    async put(name, content, signal, seen) {
      const path = pathOf(root, name);
      const parent = dirname(path);
      const temporary = join(parent, temporaryName());
      try {
        await makeFolder(root);
        await makeInside(root, name);
        const written = await writeDurably(temporary, content, signal);
        await rename(temporary, path);
        seen?.();
        await syncFolder(parent);
        return { location: path, ...written };
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => undefined);
        throw signal?.aborted ? error : explain(error, 'write', path);
      }
    },

    async putNew(name, content) {
      const path = pathOf(root, name);
      try {
        await makeFolder(root);
        await makeInside(root, name);
        await withFile(path, 'wx', async (file) => {
          try {
            await writeAll(file, content);
            await file.sync();
          } catch (error) {
            // Half a file, for instance on a full disk.
            await rm(path, { force: true }).catch(() => undefined);
            throw error;
          }
        });
        return true;
      } catch (error) {
        if (isCode(error, 'EEXIST')) return false;
        throw explain(error, 'write', path);
      }
    },

    async get(name) {
      const path = await realPathOf(root, name);
      return readFile(path).catch((error: unknown) => {
        throw explain(error, 'read', path);
      });
    },

    async look(name) {
      const path = pathOf(root, name);
      try {
        const found = await lstat(path);
        return found.isFile() ? { bytes: found.size } : 'no file';
      } catch (error) {
        if (isCode(error, 'ENOENT')) return 'nothing';
        throw explain(error, 'read', path);
      }
    },

    async age(name) {
      const path = pathOf(root, name);
      const probe = join(root, temporaryName());
      try {
        const written = await lstat(path).catch((error: unknown) => {
          if (!isCode(error, 'ENOENT')) throw error;
        });
        if (written === undefined) return undefined;
        // A file written now: its time and the other's are of one clock, that of the machine which holds the volume.
        const now = await withFile(probe, 'wx', (file) => file.stat());
        return Math.max(0, now.mtimeMs - written.mtimeMs);
      } catch (error) {
        throw explain(error, 'write', root);
      } finally {
        await rm(probe, { force: true }).catch(() => undefined);
      }
    },

    async read(name, start, length) {
      const buffer = new Uint8Array(length);
      return buffer.subarray(0, await readInto(name, start, buffer));
    },

    readInto,

    async list(prefix) {
      const inside = prefix.slice(0, prefix.lastIndexOf('/') + 1);
      const folder = inside === '' ? root : await realPathOf(root, `${inside}x`).then(dirname);
      const found = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
        if (isCode(error, 'ENOENT')) return [];
        throw explain(error, 'list', folder);
      });
      return found
        .filter((entry) => entry.isFile() && !entry.name.startsWith(UNFINISHED))
        .map((entry) => `${inside}${entry.name}`)
        .filter((name) => name.startsWith(prefix))
        .sort();
    },

    async remove(name) {
      const path = await realPathOf(root, name);
      await rm(path, { force: true }).catch((error: unknown) => {
        throw explain(error, 'remove', path);
      });
      await removeEmpty(dirname(path), root);
    },

    async removeUnfinished(attempt, folder) {
      const path = dirname(await realPathOf(root, `${folder}x`));
      const names = await readdir(path).catch(() => []);
      for (const name of names.filter((one) =>
        one.startsWith(attempt === undefined ? UNFINISHED : `${UNFINISHED}${attempt}-`),
      )) {
        await rm(join(path, name), { force: true }).catch(() => undefined);
      }
      await removeEmpty(path, root);
    },

    freeBytes: () => freeBytes(root),
  };
}

/** Folders exist for their files: an empty one goes, and so do those above it, up to the root. */
async function removeEmpty(folder: string, root: string): Promise<void> {
  for (let empty = folder; empty !== root; empty = dirname(empty)) {
    const failure = await rmdir(empty).catch((error: unknown) => error);
    if (failure !== undefined) return;
  }
}

function pathOf(root: string, name: string): string {
  const parts = name.split('/');
  const bad = (part: string) => part === '' || part === '.' || part === '..' || /[\\\0]/.test(part);
  if (parts.some(bad)) throw storeError('E_STORE_NAME', { name });
  return join(root, ...parts);
}

/** Like `mkdir` with `recursive`, which reports ENOENT instead of the reason when a parent lies on a read-only file system. */
async function makeFolder(folder: string): Promise<void> {
  const failure = await mkdir(folder).catch((error: unknown) => error);
  if (failure === undefined) return syncFolder(dirname(folder));
  const existing = await stat(folder).catch(() => undefined);
  if (existing?.isDirectory()) return;
  if (!isCode(failure, 'ENOENT') || dirname(folder) === folder) throw failure;
  await makeFolder(dirname(folder));
  await mkdir(folder).catch((error: unknown) => {
    if (!isCode(error, 'EEXIST')) throw error;
  });
  await syncFolder(dirname(folder));
}

/** Makes the folders of a name below the root; one that is a link, or no folder, is refused instead of being written through. */
async function makeInside(root: string, name: string): Promise<void> {
  let folder = root;
  for (const part of name.split('/').slice(0, -1)) {
    folder = join(folder, part);
    const failure = await mkdir(folder).catch((error: unknown) => error);
    if (failure !== undefined && !isCode(failure, 'EEXIST')) throw failure;
    if (failure === undefined) await syncFolder(dirname(folder));
    else await refuseLink(folder);
  }
}

/** The path of a name, once it is sure that its folders are none but the store's own. */
async function realPathOf(root: string, name: string): Promise<string> {
  const path = pathOf(root, name);
  for (let folder = dirname(path); folder !== root; folder = dirname(folder)) await refuseLink(folder);
  return path;
}

async function refuseLink(folder: string): Promise<void> {
  const found = await lstat(folder).catch(() => undefined);
  if (found === undefined || found.isDirectory()) return;
  throw storeError('E_STORE_LINK', { path: folder, kind: found.isSymbolicLink() ? 'a symbolic link' : 'no folder' });
}

async function writeDurably(
  path: string,
  content: Content,
  signal: AbortSignal | undefined,
): Promise<Omit<StoredFile, 'location'>> {
  const pieces = content instanceof Uint8Array ? [content] : content;
  const hash = createHash('sha256');
  let bytes = 0;
  await withFile(path, 'wx', async (file) => {
    for await (const piece of pieces) {
      signal?.throwIfAborted();
      hash.update(piece);
      await writeAll(file, piece);
      bytes += piece.byteLength;
    }
    await file.sync();
  });
  const { size } = await stat(path);
  if (size !== bytes) {
    throw storeError('E_STORE_FAILED', { verb: 'write', path, reason: `${bytes} bytes sent, ${size} arrived` });
  }
  return { bytes, sha256: hash.digest('hex') };
}

async function withFile<T>(path: string, flags: string, body: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, flags);
  try {
    return await body(file);
  } finally {
    await file.close();
  }
}

/** A single `read` may give a part only. */
async function readAll(file: FileHandle, start: number, to: Uint8Array): Promise<number> {
  let done = 0;
  for (let more = -1; more !== 0 && done < to.byteLength; done += more) {
    more = (await file.read(to, done, to.byteLength - done, start + done)).bytesRead;
  }
  return done;
}

/** A single `write` may take part of the bytes only, for instance on a disk that is nearly full. */
export async function writeAll(file: FileHandle, piece: Uint8Array, at?: number): Promise<void> {
  for (let done = 0; done < piece.byteLength; ) {
    const place = at === undefined ? null : at + done;
    const { bytesWritten } = await file.write(piece, done, piece.byteLength - done, place);
    done += bytesWritten;
  }
}

/** Makes a rename, or a new folder, survive a loss of power, where the file system lets a folder be synced at all. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
