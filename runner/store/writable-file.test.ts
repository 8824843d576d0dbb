import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkWritableFile } from './writable-file.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dualparal-file-'));
  mkdirSync(join(folder, 'folder'));
  writeFileSync(join(folder, 'file'), 'old');
  symlinkSync(join(folder, 'folder', 'target'), join(folder, 'link'));
  spawnSync('mkfifo', [join(folder, 'pipe')]);
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

test.each(['new', 'file', 'link', 'folder/deep'])('%s can be written, and asking changes nothing', async (name) => {
  const before = readdirSync(folder, { recursive: true });
  await checkWritableFile(join(folder, name));
  expect(readdirSync(folder, { recursive: true })).toEqual(before);
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('old');
});

test.each([
  { name: 'absent/new', reason: /there is no folder .*absent;/ },
  { name: 'file/new', reason: /ENOTDIR/ },
  { name: 'folder', reason: /it is a folder/ },
  { name: 'new/', reason: /ends like a folder/ },
  { name: 'pipe', reason: /a device, pipe or socket/ },
  { name: 'n'.repeat(300), reason: /ENAMETOOLONG/ },
])('$name is refused at once, with the reason', async ({ name, reason }) => {
  await expect(checkWritableFile(`${folder}/${name}`)).rejects.toMatchObject({
    code: 'E_STORE_FILE',
    exit: 'output',
    message: expect.stringMatching(reason),
  });
});

test.each(['', '/dev/null', '/proc/new'])('the path %j is refused', async (path) => {
  await expect(checkWritableFile(path)).rejects.toMatchObject({ exit: 'output' });
});
