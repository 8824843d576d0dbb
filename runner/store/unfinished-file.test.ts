import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clearUnfinished, openUnfinishedFile } from './unfinished-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dualparal-unfinished-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a file that is filled in any order has its name, and its bytes, only once it is finished', async () => {
  const path = join(folder, 'new/file');
  const file = await openUnfinishedFile(path, join(folder, 'out'));
  await file.write(Buffer.from('cd'), 2);
  await file.write(Buffer.from('ab'), 0);
  expect(readdirSync(join(folder, 'new'))).toEqual([expect.stringMatching(/^\.unfinished-/)]);
  await file.finish();
  await file.discard();
  expect(readdirSync(join(folder, 'new'))).toEqual(['file']);
  expect(readFileSync(path, 'utf8')).toBe('abcd');
});

test('one that is given up leaves what had its name before, and nothing else', async () => {
  const path = join(folder, 'file');
  writeFileSync(path, 'before');
  const file = await openUnfinishedFile(path, join(folder, 'out'));
  await file.write(Buffer.from('after'), 0);
  await file.discard();
  expect(readdirSync(folder)).toEqual(['file']);
  expect(readFileSync(path, 'utf8')).toBe('before');
});

test('what a killed run has left is removed by the next one for its output folder, whatever that is called, and nothing else is', async () => {
  const path = join(folder, 'file');
  mkdirSync(join(folder, 'out'));
  symlinkSync('out', join(folder, 'linked'));
  writeFileSync(join(folder, '.unfinished-mine'), '');
  await openUnfinishedFile(path, join(folder, 'out'));
  const left = readdirSync(folder);
  await openUnfinishedFile(path, join(folder, 'another film'));
  await openUnfinishedFile(join(folder, 'another file'), join(folder, 'out'));
  const others = readdirSync(folder).filter((name) => !left.includes(name));
  expect([left.length, others.length]).toEqual([4, 2]);
  await clearUnfinished(path, join(folder, 'linked'));
  expect(readdirSync(folder).sort()).toEqual(['.unfinished-mine', 'linked', 'out', ...others].sort());
});

test('what stands in the way is told with the name of the file', async () => {
  writeFileSync(join(folder, 'no folder'), '');
  await expect(openUnfinishedFile(join(folder, 'no folder/file'), folder)).rejects.toMatchObject({
    code: expect.stringMatching(/^E_STORE_/),
    message: expect.stringContaining('no folder/file'),
  });
});
