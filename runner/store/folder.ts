import { createHash, randomBytes } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { CodedError } from '#contract/error.ts';
import { storeError } from './errors.ts';
import type { Content, Store, StoredFile } from './store.ts';

/** Written under this prefix until complete, so that a listing never shows half a file. */
const UNFINISHED = '.unfinished-';
const ABANDONED_MILLISECONDS = 3_600_000;

const READ_ONLY = new Set(['EROFS', 'EACCES', 'EPERM']);
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const NOT_FOLDER = new Set(['ENOTDIR', 'EEXIST', 'ELOOP', 'ENAMETOOLONG']);

/** A store in a folder of this machine (a mounted volume, too). The folder is made when something is first written. */
export function folderStore(folder: string): Store {
  const root = resolve(folder);

  return {
    location: root,

    async check() {
      const probe = join(root, temporaryName());
      try {
        await makeFolder(root);
        await (await open(probe, 'wx')).close();
        await rm(probe);
        await removeAbandoned(root);
      } catch (error) {
        throw explain(error, 'write', root);
      }
    },

    async put(name, content, signal) {
      const path = pathOf(root, name);
      const parent = dirname(path);
      const temporary = join(parent, temporaryName());
      try {
        await makeFolder(parent);
        const written = await writeDurably(temporary, content, signal);
        await rename(temporary, path);
        await syncFolder(parent);
        return { location: path, ...written };
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => undefined);
        throw signal?.aborted ? error : explain(error, 'write', path);
      }
    },

    async get(name) {
      const path = pathOf(root, name);
      return readFile(path).catch((error: unknown) => {
        throw explain(error, 'read', path);
      });
    },

    async size(name) {
      const path = pathOf(root, name);
      const { size } = await stat(path).catch((error: unknown) => {
        throw explain(error, 'read', path);
      });
      return size;
    },

    async read(name, start, length) {
      const path = pathOf(root, name);
      try {
        return await withFile(path, 'r', async (file) => {
          const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, start);
          return buffer.subarray(0, bytesRead);
        });
      } catch (error) {
        throw explain(error, 'read', path);
      }
    },

    async list(prefix) {
      const found = await readdir(root, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
        if (isCode(error, 'ENOENT')) return [];
        throw explain(error, 'list', root);
      });
      return found
        .filter((entry) => entry.isFile() && !entry.name.startsWith(UNFINISHED))
        .map((entry) => nameOf(root, entry))
        .filter((name) => name.startsWith(prefix))
        .sort();
    },

    async remove(name) {
      const path = pathOf(root, name);
      await rm(path, { force: true }).catch((error: unknown) => {
        throw explain(error, 'remove', path);
      });
      await removeEmpty(dirname(path), root);
    },
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

function nameOf(root: string, entry: Dirent): string {
  return join(entry.parentPath, entry.name)
    .slice(root.length + 1)
    .replaceAll('\\', '/');
}

/** Random, since two attempts may write to one volume from two machines, both as process 1. */
function temporaryName(): string {
  return `${UNFINISHED}${randomBytes(8).toString('hex')}`;
}

/** Like `mkdir` with `recursive`, which reports ENOENT instead of the reason when a parent lies on a read-only file system. */
async function makeFolder(folder: string): Promise<void> {
  const failure = await mkdir(folder).catch((error: unknown) => error);
  if (failure === undefined) return;
  const existing = await stat(folder).catch(() => undefined);
  if (existing?.isDirectory()) return;
  if (!isCode(failure, 'ENOENT') || dirname(folder) === folder) throw failure;
  await makeFolder(dirname(folder));
  await mkdir(folder).catch((error: unknown) => {
    if (!isCode(error, 'EEXIST')) throw error;
  });
}

/** Removes what a run that was killed while writing left behind; a run that still writes touches its file all the time. */
async function removeAbandoned(root: string): Promise<void> {
  const found = await readdir(root, { recursive: true, withFileTypes: true });
  for (const entry of found.filter(({ name }) => name.startsWith(UNFINISHED))) {
    const path = join(entry.parentPath, entry.name);
    const touched = (await stat(path).catch(() => undefined))?.mtimeMs ?? Number.POSITIVE_INFINITY;
    if (Date.now() - touched > ABANDONED_MILLISECONDS) await rm(path, { force: true });
  }
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

/** A single `write` may take part of the bytes only, for instance on a disk that is nearly full. */
async function writeAll(file: FileHandle, piece: Uint8Array): Promise<void> {
  for (let done = 0; done < piece.byteLength; ) {
    const { bytesWritten } = await file.write(piece, done);
    done += bytesWritten;
  }
}

/** Makes the rename itself survive a power cut, where the file system lets a folder be synced at all. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

function explain(error: unknown, verb: string, path: string): unknown {
  if (error instanceof CodedError || !isSystemError(error)) return error;
  const reason = `${error.code}: ${error.message.replace(/^[A-Z]+: /, '').replace(/,.*$/s, '')}`;
  if (error.code === 'ENOENT' && verb === 'read') return storeError('E_STORE_MISSING', { path }, error);
  if (FULL.has(error.code)) return storeError('E_STORE_FULL', { path, reason }, error);
  if (READ_ONLY.has(error.code) && verb !== 'read') return storeError('E_STORE_READ_ONLY', { path, reason }, error);
  if (NOT_FOLDER.has(error.code)) return storeError('E_STORE_NOT_FOLDER', { path, reason }, error);
  return storeError('E_STORE_FAILED', { verb, path, reason }, error);
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && 'syscall' in error;
}

function isCode(error: unknown, code: string): boolean {
  return isSystemError(error) && error.code === code;
}
