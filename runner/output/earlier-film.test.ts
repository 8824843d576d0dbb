import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { folderStore } from '../store/folder.ts';
import { earlierFilm } from './earlier-film.ts';
import { recordBytes } from './record.ts';

const OF = { prompt: 'a red circle', seed: 7 };
const BYTES = Buffer.from('a film');
const FILM = {
  location: '/films/1/video.mp4',
  file: 'video.mp4',
  ...{ frames: 81, seconds: 5, bytes: BYTES.byteLength, width: 64, height: 48, fps: 16, codec: 'avc1' },
  sha256: createHash('sha256').update(BYTES).digest('hex'),
};
const FINISHED = { generator: 'dualparal' as const, of: OF, film: FILM, files: { 'video.mp4': FILM.sha256 } };

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dualparal-earlier-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function attempt(name: string, record: object | string | undefined, film: Uint8Array | undefined = BYTES) {
  mkdirSync(join(root, name));
  if (film !== undefined) writeFileSync(join(root, name, 'video.mp4'), film);
  const bytes = typeof record === 'string' ? record : record && recordBytes(record as typeof FINISHED);
  if (bytes !== undefined) writeFileSync(join(root, name, 'video.json'), bytes);
  return folderStore(join(root, name));
}

async function found(stores: Parameters<typeof earlierFilm>[0]) {
  const warnings: string[] = [];
  const film = await earlierFilm(stores, OF, (text) => void warnings.push(text));
  return { film, warnings };
}

test('the finished film of the first attempt that has one is taken, from where it lies', async () => {
  const stores = [folderStore(join(root, 'never-begun')), attempt('a', undefined, undefined), attempt('b', FINISHED)];
  expect(await found(stores)).toEqual({ film: { ...FILM, location: join(root, 'b', 'video.mp4') }, warnings: [] });
});

test.each([
  { what: 'no record', record: undefined },
  { what: 'a record that is none of ours', record: '{"film": {}}' },
  { what: 'half a record', record: '{"generator": "dualp' },
  { what: 'another film', record: { ...FINISHED, of: { ...OF, seed: 8 } } },
  { what: 'a film that was being written', record: { ...FINISHED, publishing: true } },
  { what: 'a record whose film is none', record: { ...FINISHED, film: { ...FILM, frames: 'many' } } },
  { what: 'a film by another name', record: { ...FINISHED, film: { ...FILM, file: '../video.mp4' } } },
  { what: 'the finished blocks alone', record: { ...FINISHED, film: undefined, partial: FILM } },
])('$what is passed over', async ({ record }) => {
  expect(await found([attempt('a', record)])).toEqual({ film: undefined, warnings: [] });
});

test.each([
  { what: 'is gone', film: null },
  { what: 'is shorter than its record says', film: Buffer.from('a fil') },
  { what: 'has other bytes', film: Buffer.from('a fiLm') },
])('a film that $what is passed over', async ({ film }) => {
  const store = attempt('a', FINISHED, film ?? undefined);
  if (film === null) rmSync(join(root, 'a', 'video.mp4'));
  expect(await found([store])).toEqual({ film: undefined, warnings: [] });
});

test('a folder that cannot be read is said, and the next one is looked at', async () => {
  writeFileSync(join(root, 'file'), '');
  const { film, warnings } = await found([folderStore(join(root, 'file')), attempt('b', FINISHED)]);
  expect(film?.sha256).toBe(FILM.sha256);
  expect(warnings).toEqual([expect.stringMatching(/^the folder of an earlier attempt cannot be read: .*file/)]);
});
