import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runtimeBuild } from './runtime-build.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'runtime-build-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const CHUNK = 4 << 20;
const mark = 'git-commit-id=f2c39fe2f, build type';

test.each<[string, number, string, string | undefined]>([
  ['at its beginning', 0, mark, 'f2c39fe2f'],
  ['across two chunks of reading, in the mark', CHUNK - 5, mark, 'f2c39fe2f'],
  ['across two chunks of reading, in the commit', CHUNK - 17, mark, 'f2c39fe2f'],
  ['just before a chunk ends', CHUNK - mark.length, mark, 'f2c39fe2f'],
  ['as the last bytes of all', 100, 'git-commit-id=abc', 'abc'],
  ['nowhere', 100, 'git-commit', undefined],
])('a library that says its commit %s', async (_, at, text, commit) => {
  const file = join(folder, 'library');
  writeFileSync(file, Buffer.concat([Buffer.alloc(at), Buffer.from(text)]));
  expect(await runtimeBuild(file)).toBe(commit);
});
