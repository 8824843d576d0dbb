import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { CudaCopies } from '../../runner/ort/cuda-copies.ts';
import { type Copied, countCopies, lessCopies, logCopy, type Place, readCopies } from './copy-log.ts';
import { countedCopies } from './counted-copies.ts';

const folder = mkdtempSync(join(tmpdir(), 'copy-log-'));
afterAll(() => rmSync(folder, { recursive: true }));

const copied = (over: Partial<Copied>): Copied => ({
  ...{ by: 'provider', how: 'copy', from: 'host', to: 0, bytes: 10 },
  ...over,
});

test('copies are read as they were written', () => {
  const log = join(folder, 'log');
  const copies = [copied({}), copied({ by: 'ours', how: 'hop', from: 3, to: 0 }), copied({ from: 0, to: 'host' })];
  for (const copy of copies) logCopy(log, copy);
  expect(readFileSync(log, 'utf8').split('\n')[0]).toBe('provider copy -1 0 10');
  expect(readCopies(log)).toEqual(copies);
});

test('copies are counted by their way, and none of the usual ways is left out', () => {
  const rows = { how: 'rows', from: 1, to: 1 } as const;
  const copies = [copied({}), copied({ to: 5, bytes: 7 }), copied(rows), copied({ how: 'hop', from: 1, to: 2 })];
  expect(countCopies(copies)).toEqual({
    toDevice: { count: 2, bytes: 17 },
    toHost: { count: 0, bytes: 0 },
    within: { count: 0, bytes: 0 },
    'rows within': { count: 1, bytes: 10 },
    'hop between devices': { count: 1, bytes: 10 },
  });
});

test('what a longer run copied more is shared among what it did more, ways of either run alone included', () => {
  const [short, long] = [[copied({})], [copied({}), copied({}), copied({}), copied({ how: 'hop', from: 0 })]];
  expect(lessCopies(countCopies(long), countCopies(short), 2)).toMatchObject({
    toDevice: { count: 1, bytes: 10 },
    'hop within': { count: 0.5, bytes: 5 },
  });
  expect(lessCopies(countCopies([]), countCopies([copied({ how: 'rows', to: 'host' })]))).toMatchObject({
    'rows within the host': { count: -1, bytes: -10 },
  });
});

test('every copy of a device is told, by whose memory it is from and to, once it is made', () => {
  const made: string[] = [];
  const real: CudaCopies = {
    copy: () => void made.push('copy'),
    pull: () => void made.push('pull'),
    copyRows: () => void made.push('rows'),
    clear: () => void made.push('clear'),
    release: () => void made.push('release'),
  };
  const places = new Map<unknown, Place>([
    [1n, 'host'],
    [2n, 4],
  ]);
  const told: Copied[] = [];
  const counted = countedCopies(
    real,
    4,
    (address) => places.get(address)!,
    (copy) => told.push(copy),
  );
  counted.copy(1n, 2n, 10);
  counted.copy(1n, 2n, 0);
  counted.pull(3, 7n, 2n, 20);
  counted.copyRows({ address: 2n, pitch: 100 }, { address: 1n, pitch: 10 }, 10, 3);
  counted.clear(2n, 5);
  counted.release();
  expect(made).toEqual(['copy', 'copy', 'pull', 'rows', 'clear', 'release']);
  expect(told).toEqual([
    { by: 'ours', how: 'copy', from: 'host', to: 4, bytes: 10 },
    { by: 'ours', how: 'hop', from: 3, to: 4, bytes: 20 },
    { by: 'ours', how: 'rows', from: 4, to: 'host', bytes: 30 },
  ]);
});
