/**
 * Loaded before a program (`--import`): writes down, in order, all that it does to files below the folder `DUALPARAL_TEST_RECORD`
 * through `node:fs/promises`, which is all that a store uses. One JSON line each, in the file `DUALPARAL_TEST_RECORD_TO`.
 */
import { appendFileSync, statSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { resolve, sep } from 'node:path';
import type { DiskOperation } from '../disk.ts';

const folder = process.env.DUALPARAL_TEST_RECORD;
const target = process.env.DUALPARAL_TEST_RECORD_TO;
const { mkdir, open, rename, rm, rmdir } = promises;
let opened = 0;

const isInside = (path: unknown): path is string =>
  typeof path === 'string' && folder !== undefined && resolve(path).startsWith(`${folder}${sep}`);
const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
const note = (operation: DiskOperation) => appendFileSync(target!, `${JSON.stringify(operation)}\n`);

/** Notes what a change of names has done, once it is done. */
function watched<A extends readonly unknown[], R>(
  change: (...args: A) => Promise<R>,
  noteOf: (...args: A) => DiskOperation | undefined,
) {
  return async (...args: A): Promise<R> => {
    const done = await change(...args);
    const operation = noteOf(...args);
    if (operation !== undefined) note(operation);
    return done;
  };
}

const onPath = (of: 'makeFolder' | 'remove' | 'removeFolder') => (path: unknown) =>
  isInside(path) ? { of, path: resolve(path) } : undefined;

async function openWatched(...args: Parameters<typeof open>): ReturnType<typeof open> {
  const handle = await open(...args);
  const [path, flags = 'r'] = args;
  const isRoot = typeof path === 'string' && resolve(path) === folder;
  if (!isRoot && !isInside(path)) return handle;
  const place = resolve(path as string);
  const { sync, write } = handle;
  if (isFolder(place)) {
    handle.sync = async () => {
      await sync.call(handle);
      note({ of: 'syncFolder', path: place });
    };
    return handle;
  }
  if (!String(flags).includes('w')) return handle;
  const file = `${process.pid}-${opened++}`;
  note({ of: 'create', path: place, file });
  handle.write = ((bytes: Uint8Array, ...more: never[]) => {
    const [from = 0] = more as unknown as readonly number[];
    note({ of: 'write', file, base64: Buffer.from(bytes.subarray(from)).toString('base64') });
    return write.call(handle, bytes as never, ...more);
  }) as typeof handle.write;
  handle.sync = async () => {
    await sync.call(handle);
    note({ of: 'sync', file });
  };
  return handle;
}

if (folder !== undefined && target !== undefined) {
  Object.assign(promises, {
    open: openWatched,
    mkdir: watched(mkdir as (path: unknown) => Promise<unknown>, onPath('makeFolder')),
    rm: watched(rm as (path: unknown, options: unknown) => Promise<unknown>, onPath('remove')),
    rmdir: watched(rmdir as (path: unknown) => Promise<unknown>, onPath('removeFolder')),
    rename: watched(rename, (from, to) =>
      isInside(from) && isInside(to) ? { of: 'rename', path: resolve(to), from: resolve(from) } : undefined,
    ),
  });
  syncBuiltinESMExports();
}
