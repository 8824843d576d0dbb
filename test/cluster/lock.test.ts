import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withLock } from './lock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('work under one lock never overlaps, and the lock is gone afterwards', async () => {
  const path = join(folder, 'deep', 'lock');
  let inside = 0;
  let most = 0;
  const work = async () => {
    inside += 1;
    most = Math.max(most, inside);
    await new Promise((resolve) => setTimeout(resolve, 20));
    inside -= 1;
  };
  await Promise.all([1, 2, 3].map(() => withLock(path, () => {}, work)));
  expect({ most, left: existsSync(path) }).toEqual({ most: 1, left: false });
});

test('a lock of a dead process is taken over', async () => {
  const path = join(folder, 'lock');
  writeFileSync(path, String(2 ** 22 + 1));
  expect(
    await withLock(
      path,
      () => {},
      async () => 'done',
    ),
  ).toBe('done');
});

test('a lock is released when the work fails', async () => {
  const path = join(folder, 'lock');
  await expect(
    withLock(
      path,
      () => {},
      async () => Promise.reject(new Error('no')),
    ),
  ).rejects.toThrow('no');
  expect(existsSync(path)).toBe(false);
});
