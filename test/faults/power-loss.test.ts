import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDice } from './dice.ts';
import { type DiskOperation, type Loss, openDisk } from './disk.ts';
import { startFilm } from './film-process.ts';
import { type Certain, certainties, layOut, openLooker, type Recording, recordFilm, wrongsOf } from './power-loss.ts';
import { sha256Of } from './probe.ts';

/** Laid out hundreds of times: in memory where that can be had. */
const scratch = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'dualparal-power-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let recording: Recording;

beforeAll(async () => {
  const folder = join(scratch, 'recorded');
  mkdirSync(folder);
  recording = await recordFilm(folder);
});

function digestOf(files: ReadonlyMap<string, Buffer>, certain: Certain): string {
  const hash = createHash('sha256').update(JSON.stringify(certain));
  for (const [path, bytes] of files) hash.update(`${path} ${bytes.length} `).update(bytes);
  return hash.digest('hex');
}

const LOSSES: readonly Loss[] = ['all', 'bytes', 'none', 'some', 'some'];

test('after a loss of power at any moment a film goes on from what was written to its end, or from before that, with the same bits', {
  timeout: 600_000,
}, async () => {
  const looker = await openLooker(recording, join(scratch, 'look'));
  const disk = openDisk(recording.folder);
  const dice = createDice(20);
  const certain = certainties(recording);
  const wrong: string[] = [];
  const seen = new Set<string>();
  for (const [index, operation] of recording.operations.entries()) {
    disk.apply(operation);
    for (const loss of LOSSES) {
      const files = disk.after(loss, dice);
      const state = digestOf(files, certain[index]!);
      if (seen.has(state)) continue;
      seen.add(state);
      const wrongs = await wrongsOf(looker, files, certain[index]!);
      wrong.push(...wrongs.map((text) => `after operation ${index} (${operation.of}), lost ${loss}: ${text}`));
    }
  }
  expect(wrong).toEqual([]);
  expect(seen.size).toBeGreaterThan(100);
  expect(certain.filter(({ iteration }) => iteration !== undefined).length).toBeGreaterThan(100);
});

const RESUMES = 5;

test(`${RESUMES} films that lost their power at random moments end as the undisturbed one`, {
  timeout: 300_000,
}, async () => {
  const dice = createDice(21);
  const moments = Array.from({ length: RESUMES }, () => dice.between(0, recording.operations.length - 1));
  const disk = openDisk(recording.folder);
  for (const [index, operation] of recording.operations.entries()) {
    disk.apply(operation);
    if (!moments.includes(index)) continue;
    const folder = join(scratch, `resumed-${index}`);
    layOut(disk.after('some', dice), recording.folder, folder);
    const job = JSON.parse(readFileSync(recording.job, 'utf8'));
    writeFileSync(join(folder, 'job.json'), JSON.stringify({ ...job, output: { folder: join(folder, 'out') } }));
    const { status, stderr } = await startFilm(['run', '--job', 'job.json'], { cwd: folder }).ended;
    expect([index, status, status === 0 ? '' : stderr]).toEqual([index, 0, '']);
    expect(sha256Of(join(folder, 'out/video.mp4'))).toBe(sha256Of(join(recording.folder, 'out/video.mp4')));
  }
});

describe('a disk that loses its power', () => {
  const dice = createDice(1);
  const written: readonly DiskOperation[] = [
    { of: 'create', path: '/d/a', file: '1' },
    { of: 'write', file: '1', base64: Buffer.from('text').toString('base64') },
    { of: 'sync', file: '1' },
    { of: 'rename', path: '/d/b', from: '/d/a' },
    { of: 'syncFolder', path: '/d' },
  ];
  const leftAfter = (loss: Loss, count: number, operations = written) => {
    const disk = openDisk('/d');
    for (const operation of operations.slice(0, count)) disk.apply(operation);
    return Object.fromEntries([...disk.after(loss, dice)].map(([path, bytes]) => [path, bytes.toString()]));
  };

  test.each([
    { what: 'a name is certain with its folder', count: 4, loss: 'all', found: {} },
    { what: 'as is one that it had before', count: 5, loss: 'all', found: { '/d/b': 'text' } },
    { what: 'bytes are certain with their file', count: 4, loss: 'bytes', found: { '/d/b': 'text' } },
    { what: 'what is not certain may be there', count: 2, loss: 'none', found: { '/d/a': 'text' } },
  ] as const)('$what', ({ count, loss, found }) => {
    expect(leftAfter(loss, count)).toEqual(found);
  });

  test('a folder that is not certain takes all with it', () => {
    const inside = written.map((operation) =>
      'path' in operation ? JSON.parse(JSON.stringify(operation).replaceAll('/d', '/d/e')) : operation,
    );
    const operations: readonly DiskOperation[] = [{ of: 'makeFolder', path: '/d/e' }, ...inside];
    expect(leftAfter('all', 6, operations)).toEqual({});
    expect(leftAfter('all', 7, [...operations, { of: 'syncFolder', path: '/d' }])).toEqual({ '/d/e/b': 'text' });
  });
});
