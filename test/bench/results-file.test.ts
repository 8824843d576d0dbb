import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkWritable } from './results-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'results-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('looking whether a file can be written leaves it as it is, and none where there was none', () => {
  const old = join(folder, 'old.json');
  writeFileSync(old, 'figures');
  checkWritable(old);
  checkWritable(join(folder, 'new.json'));
  expect(readFileSync(old, 'utf8')).toBe('figures');
  expect(readdirSync(folder)).toEqual(['old.json']);
});

test('a folder that is missing, and a file that is a folder, are errors', () => {
  const missing = join(folder, 'missing/x.json');
  expect(() => checkWritable(missing)).toThrow(missing);
  mkdirSync(join(folder, 'dir'));
  expect(() => checkWritable(join(folder, 'dir'))).toThrow('EISDIR');
});
