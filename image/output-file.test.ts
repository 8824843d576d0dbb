import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { asOutputError, outputFile } from './output-file.ts';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'output-file-test-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a file that is there stays as it is, the folder of a new one is made, and nothing else is left', () => {
  const old = join(folder, 'old.tar');
  writeFileSync(old, 'an image');
  expect(outputFile(old)).toBe(old);
  expect(outputFile(join(folder, 'a/b/new.tar'))).toBe(join(folder, 'a/b/new.tar'));
  expect([readFileSync(old, 'utf8'), readdirSync(folder).sort()]).toEqual(['an image', ['a', 'old.tar']]);
  expect(readdirSync(join(folder, 'a/b'))).toEqual([]);
});

test('an image goes to where a link leads to, so that the link stays', () => {
  writeFileSync(join(folder, 'target.tar'), '');
  symlinkSync('target.tar', join(folder, 'link.tar'));
  expect(outputFile(join(folder, 'link.tar'))).toBe(join(folder, 'target.tar'));
});

test.each([
  { what: 'a folder', path: () => folder },
  { what: 'a device, which would be replaced', path: () => '/dev/null' },
  { what: 'a file of a system that holds none of ours', path: () => '/proc/image.tar' },
  { what: 'a file below a file', path: () => join(folder, 'file/image.tar') },
])('no image is written to $what, which is found before it is made', ({ path }) => {
  writeFileSync(join(folder, 'file'), '');
  const wanted = {
    code: 'E_IMAGE_OUTPUT',
    exit: 'output',
    message: expect.stringContaining(`cannot write ${path()}: `),
  };
  expect(() => outputFile(path())).toThrow(expect.objectContaining(wanted));
});

test('a full disk is an error of the file that is written, and a mistake of ours stays one', () => {
  const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC', syscall: 'write' });
  expect(asOutputError('x.tar', full)).toMatchObject({
    code: 'E_IMAGE_OUTPUT',
    message: 'cannot write x.tar: ENOSPC: no space left',
  });
  const ours = new TypeError('no such property');
  expect(asOutputError('x.tar', ours)).toBe(ours);
});

test('the cache is an absolute folder, and an empty variable counts as not set', async () => {
  mkdirSync(join(folder, 'home'));
  const { imageCache } = await import('./cache.ts');
  const found = (value: string) => {
    const before = { ...process.env };
    Object.assign(process.env, { HOME: join(folder, 'home'), DUALPARAL_IMAGE_CACHE: value });
    try {
      return imageCache();
    } finally {
      process.env = before;
    }
  };
  expect(found('')).toBe(join(folder, 'home/.cache/dualparal/image'));
  expect(found(join(folder, 'cache/.'))).toBe(join(folder, 'cache'));
  expect(() => found('/dev/null/cache')).toThrow(expect.objectContaining({ code: 'E_IMAGE_OUTPUT' }));
});
