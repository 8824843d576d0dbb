import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { folderStore } from './folder.ts';
import { openStore } from './open.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;

let folder: string;
const mounts: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dualparal-store-'));
});

afterEach(() => {
  for (const path of mounts.splice(0)) spawnSync('umount', [path]);
  chmodSync(folder, 0o755);
  rmSync(folder, { recursive: true });
});

/** Mounts an empty file system of `bytes` at the test's folder; false where this machine does not let us. */
function mountTmpfs(options: string): boolean {
  if (!isRoot || process.platform !== 'linux') return false;
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]).status !== 0) return false;
  mounts.push(folder);
  return true;
}

/** Runs `body` with the file permissions of an ordinary user. */
async function asOrdinaryUser(body: () => Promise<void>): Promise<void> {
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    await body();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

async function* pieces(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

describe('a store in a folder', () => {
  it('stores bytes and pieces, and says where, how many and their digest', async () => {
    const store = folderStore(folder);
    const sha256 = createHash('sha256').update('one two').digest('hex');
    const expected = { bytes: 7, sha256 };
    expect(await store.put('a.txt', Buffer.from('one two'))).toEqual({ location: join(folder, 'a.txt'), ...expected });
    expect(await store.put('deep/er/b.txt', pieces('one', ' ', 'two'))).toEqual({
      location: join(folder, 'deep/er/b.txt'),
      ...expected,
    });
    expect(Buffer.from(await store.get('deep/er/b.txt')).toString()).toBe('one two');
    expect(await store.list('')).toEqual(['a.txt']);
    expect(await store.list('deep/er/')).toEqual(['deep/er/b.txt']);
    expect(await store.list('deep/er/c')).toEqual([]);
  });

  it('keeps the old file, and nothing else, when a replacement fails half way', async () => {
    const store = folderStore(folder);
    await store.put('film.mp4', Buffer.from('old'));
    async function* failing() {
      yield Buffer.from('ne');
      throw new Error('the encoder died');
    }
    await expect(store.put('film.mp4', failing())).rejects.toThrow('the encoder died');
    expect(readFileSync(join(folder, 'film.mp4'), 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['film.mp4']);
  });

  it('stops at an abort and leaves no trace', async () => {
    const controller = new AbortController();
    async function* endless() {
      for (;;) {
        yield Buffer.alloc(10);
        controller.abort(new Error('stop'));
      }
    }
    await expect(folderStore(folder).put('a', endless(), controller.signal)).rejects.toThrow('stop');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('removes files, and does not mind one that is not there', async () => {
    const store = folderStore(folder);
    await store.put('a', Buffer.from('a'));
    await store.remove('a');
    await store.remove('a');
    expect(await store.list('')).toEqual([]);
  });

  it('removes folders with their last file, but never its own', async () => {
    const store = folderStore(folder);
    for (const name of ['kept/a', 'gone/deep/b', 'kept/c']) await store.put(name, new Uint8Array(1));
    await store.remove('gone/deep/b');
    await store.remove('kept/a');
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['kept', 'kept/c']);
    await store.remove('kept/c');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('names the file that is not there', async () => {
    await expect(folderStore(folder).get('absent')).rejects.toMatchObject({
      code: 'E_STORE_MISSING',
      message: `there is no ${join(folder, 'absent')}`,
    });
  });

  it.each(['../up', '/absolute', 'a//b', '.', 'a/./b', ''])('refuses the name %j', async (name) => {
    await expect(folderStore(folder).put(name, Buffer.from('x'))).rejects.toMatchObject({ code: 'E_STORE_NAME' });
  });

  it('passes its check in a folder that is yet to be made, and leaves it empty', async () => {
    const store = folderStore(join(folder, 'new', 'film'));
    await store.check();
    expect(readdirSync(join(folder, 'new', 'film'))).toEqual([]);
  });
});

describe('files that a killed run left unfinished', () => {
  it('are never listed, and are removed by the name of their writer only', async () => {
    const store = folderStore(folder);
    await store.put('blocks/a.m4s', Buffer.from('block'));
    const names = ['.unfinished-dead-1', '.unfinished-alive-2', '.unfinished-mine'];
    for (const name of names) writeFileSync(join(folder, 'blocks', name), 'half');
    expect(await store.list('blocks/')).toEqual(['blocks/a.m4s']);
    await store.check();
    await store.removeUnfinished('dead', 'blocks/');
    expect(readdirSync(join(folder, 'blocks')).sort()).toEqual(['.unfinished-alive-2', '.unfinished-mine', 'a.m4s']);
  });
});

describe('what stands under a name', () => {
  it('is told without following links, with the time since it was written', async () => {
    const store = folderStore(folder);
    writeFileSync(join(folder, 'file'), 'text');
    mkdirSync(join(folder, 'folder'));
    symlinkSync(join(folder, 'file'), join(folder, 'link'));
    const seen = await Promise.all(['file', 'folder', 'link', 'absent'].map((name) => store.look(name)));
    expect(seen).toEqual([{ bytes: 4 }, 'no file', 'no file', 'nothing']);
    const longAgo = Date.now() / 1000 - 500;
    utimesSync(join(folder, 'file'), longAgo, longAgo);
    expect(await store.age('file')).toBeGreaterThan(499_000);
    expect(await store.age('absent')).toBeUndefined();
    expect(readdirSync(folder).sort()).toEqual(['file', 'folder', 'link']);
  });

  it('is made by one of many who try, where nothing stands yet', async () => {
    const tries = Array.from({ length: 8 }, (_, i) => folderStore(folder).putNew('one', Buffer.from(String(i))));
    const made = await Promise.all(tries);
    expect(made.filter(Boolean)).toHaveLength(1);
    expect(readFileSync(join(folder, 'one'), 'utf8')).toBe(String(made.indexOf(true)));
  });
});

describe('a link below the folder', () => {
  it('to another folder is refused, and nothing there is written, read, listed or removed', async () => {
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, 'file'), 'kept');
    mkdirSync(join(folder, 'out'));
    symlinkSync(elsewhere, join(folder, 'out', 'blocks'));
    const store = folderStore(join(folder, 'out'));
    const attempts = {
      put: () => store.put('blocks/file', Buffer.from('x')),
      putNew: () => store.putNew('blocks/deep/new', Buffer.from('x')),
      get: () => store.get('blocks/file'),
      read: () => store.read('blocks/file', 0, 1),
      list: () => store.list('blocks/'),
      remove: () => store.remove('blocks/file'),
      removeUnfinished: () => store.removeUnfinished('a', 'blocks/'),
    };
    for (const attempt of Object.values(attempts)) {
      await expect(attempt()).rejects.toMatchObject({
        code: 'E_STORE_LINK',
        message: expect.stringMatching(/out\/blocks is a symbolic link where a folder of ours should be/),
      });
    }
    expect(readdirSync(elsewhere)).toEqual(['file']);
    expect(readFileSync(join(elsewhere, 'file'), 'utf8')).toBe('kept');
  });

  it('in the place of a file is replaced itself, not what it leads to', async () => {
    writeFileSync(join(folder, 'precious'), 'kept');
    symlinkSync(join(folder, 'precious'), join(folder, 'video.mp4'));
    await folderStore(folder).put('video.mp4', Buffer.from('film'));
    expect(readFileSync(join(folder, 'precious'), 'utf8')).toBe('kept');
    expect(readFileSync(join(folder, 'video.mp4'), 'utf8')).toBe('film');
  });
});

describe('a folder that cannot be written', () => {
  it('is refused by the check and by a write when the user may not write there', async () => {
    chmodSync(folder, 0o555);
    await asOrdinaryUser(async () => {
      for (const attempt of [folderStore(folder).check(), folderStore(folder).put('a', Buffer.from('a'))]) {
        await expect(attempt).rejects.toMatchObject({
          code: 'E_STORE_READ_ONLY',
          exit: 'output',
          message: expect.stringMatching(/^cannot write \/.*EACCES: permission denied; mount the output writable/),
        });
      }
    });
  });

  it('is refused when its file system is read-only', async ({ skip }) => {
    skip(!mountTmpfs('ro'), 'needs root and the right to mount');
    await expect(folderStore(join(folder, 'film')).check()).rejects.toMatchObject({
      code: 'E_STORE_READ_ONLY',
      message: expect.stringContaining('EROFS: read-only file system'),
    });
  });

  it('is refused when a file stands in its place', async () => {
    writeFileSync(join(folder, 'film'), '');
    await expect(folderStore(join(folder, 'film', 'deeper')).check()).rejects.toMatchObject({
      code: 'E_STORE_NOT_FOLDER',
      exit: 'output',
    });
  });

  it('says that the disk is full, and gives back what the half file took', async ({ skip }) => {
    skip(!mountTmpfs('size=64k'), 'needs root and the right to mount');
    const store = folderStore(folder);
    await expect(store.put('film.mp4', Buffer.alloc(1 << 20))).rejects.toMatchObject({
      code: 'E_STORE_FULL',
      exit: 'output',
      message: expect.stringMatching(/film\.mp4: no space is left \(ENOSPC/),
    });
    expect(readdirSync(folder)).toEqual([]);
    await store.put('small', Buffer.alloc(32 << 10));
  });

  it('says that the disk is full, whatever the system calls it', async () => {
    for (const code of ['ENOSPC', 'EDQUOT']) {
      async function* full() {
        yield Buffer.from('x');
        throw Object.assign(new Error(`${code}: full, write`), { code, syscall: 'write' });
      }
      await expect(folderStore(folder).put('a', full())).rejects.toMatchObject({ code: 'E_STORE_FULL' });
    }
  });
});

describe('opening a store by its URI', () => {
  it('takes a path and a file URI', () => {
    expect([openStore('/a/b').location, openStore('file:///a/b%20c').location]).toEqual(['/a/b', '/a/b c']);
  });

  it('names a scheme that it does not support', () => {
    expect(() => openStore('gs://bucket/film')).toThrow(
      expect.objectContaining({ code: 'E_STORE_SCHEME', message: expect.stringContaining("scheme 'gs'") }),
    );
  });
});
