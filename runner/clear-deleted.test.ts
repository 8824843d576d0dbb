import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FilmFolder } from '#contract/deleted-films.ts';
import { markedStore, markRealm } from './checkpoint/realm.ts';
import { clearDeletedFilms } from './clear-deleted.ts';
import { openStore } from './store/open.ts';

const REALM = 'films/account-1';
const CHECKPOINT = ['after-0000041.json', 'state-0000041.f32', 'latents-0000000.f32'].map(
  (name) => `checkpoint/${name}`,
);
/** What a run that was killed had not finished goes, too. */
const BLOCKS = [
  'blocks/checkpoint/init.mp4',
  'blocks/checkpoint/00000.m4s',
  'blocks/checkpoint/.unfinished-0123456789abcdef-01',
  'checkpoint/.unfinished-0123456789abcdef-02',
];
const OTHERS = ['video.mp4', 'partial.mp4', 'film.json', 'checkpoint/notes.txt', 'blocks/0123456789abcdef/00000.m4s'];

let root: string;
let asked: FilmFolder[][];
let said: string[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dualparal-deleted-'));
  asked = [];
  said = [];
});
afterEach(() => rmSync(root, { recursive: true }));

/** A pod's folder of a film, with a checkpoint and all sorts of other files in it; gives its path. */
async function attempt(path: string, realm: string | null = REALM): Promise<string> {
  const folder = join(root, path);
  for (const name of [...CHECKPOINT, ...BLOCKS, ...OTHERS]) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), name);
  }
  if (realm !== null) await markRealm(openStore(folder), realm);
  return folder;
}

const left = (folder: string) =>
  [...CHECKPOINT, ...BLOCKS, ...OTHERS, 'checkpoint/realm.json'].filter((name) => existsSync(join(folder, name)));

const clear = (deleted: (film: FilmFolder) => boolean, signal = new AbortController().signal) =>
  clearDeletedFilms({
    own: join(root, 'films/mine/aaaaaaaa-1/11111111'),
    realm: REALM,
    async *deletedOf(films) {
      asked.push([...films]);
      for (const film of films) yield [film].filter(deleted);
    },
    warn: (text) => said.push(text),
    signal,
  });

describe('checkpoints of films that were deleted', () => {
  it('go, those of all attempts, and nothing else does', async () => {
    const first = await attempt('films/old/0123abcd-1/22222222');
    const second = await attempt('films/old/0123abcd-2/33333333');
    expect(await clear(() => true)).toEqual([first, second]);
    expect([left(first), left(second)]).toEqual([OTHERS, OTHERS]);
    expect(asked).toEqual([[{ name: 'old', uidPart: '0123abcd' }]]);
    expect(said).toEqual([]);
  });

  it('are those of a film of the same name that was deleted and made anew', async () => {
    const before = await attempt('films/mine/0123abcd-1/22222222');
    const now = await attempt('films/mine/aaaaaaaa-1/11111111');
    await clear(() => true);
    expect([left(before).length, left(now).length]).toEqual([
      OTHERS.length,
      OTHERS.length + CHECKPOINT.length + BLOCKS.length + 1,
    ]);
  });

  it.each<[string, () => Promise<string>]>([
    ['whose film is there', () => attempt('films/there/0123abcd-1/22222222')],
    ['of the film that is made now, by another pod', () => attempt('films/mine/aaaaaaaa-2/22222222')],
    ['of another cluster that has the same volume', () => attempt('films/old/0123abcd-1/22222222', 'films/account-2')],
    ['that say nothing of where they are from', () => attempt('films/old/0123abcd-1/22222222', null)],
    ['of another namespace', () => attempt('studio/old/0123abcd-1/22222222')],
    ['in a folder of another name than ours', () => attempt('films/old/mine/22222222')],
  ])('are not those %s', async (_what, make) => {
    const folder = await make();
    const before = left(folder);
    expect(await clear(({ name }) => name !== 'there')).toEqual([]);
    expect(left(folder)).toEqual(before);
  });

  it('go also where they were written after all of it was cleared: whose they are is written down again before the first', async () => {
    const folder = await attempt('films/old/0123abcd-1/22222222');
    await clear(() => true);
    const dying = markedStore(openStore(folder), REALM);
    await dying.put('blocks/checkpoint/00000.m4s', Buffer.from('block'));
    await clear(() => true);
    expect(left(folder)).toEqual(OTHERS);
    await dying.put('checkpoint/state-0000009.f32', Buffer.from('state'));
    await dying.put('checkpoint/after-0000009.json', Buffer.from('{}'));
    await clear(() => true);
    expect([left(folder), existsSync(join(folder, 'checkpoint/after-0000009.json'))]).toEqual([OTHERS, false]);
  });

  it('are not looked for behind links', async () => {
    const elsewhere = await attempt('elsewhere/0123abcd-1/22222222');
    mkdirSync(join(root, 'films'), { recursive: true });
    symlinkSync(join(root, 'elsewhere'), join(root, 'films/old'));
    expect(await clear(() => true)).toEqual([]);
    expect(left(elsewhere).length).toBeGreaterThan(OTHERS.length);
  });

  it('go also beside a folder that cannot be cleared, which is said', async () => {
    const first = await attempt('films/a/ffffffff-1/22222222');
    const folder = await attempt('films/b/0123abcd-1/22222222');
    rmSync(join(first, 'blocks'), { recursive: true });
    writeFileSync(join(first, 'blocks'), 'no folder');
    expect(await clear(() => true)).toEqual([folder]);
    expect([left(folder), left(first).includes('checkpoint/realm.json')]).toEqual([OTHERS, true]);
    expect(said).toEqual([expect.stringContaining(join(first, 'blocks'))]);
  });

  it('stay where nobody can tell, and that is said', async () => {
    const folder = await attempt('films/old/0123abcd-1/22222222');
    const before = left(folder);
    await clear(() => {
      throw new Error('the operator is away');
    });
    expect(left(folder)).toEqual(before);
    expect(said).toEqual(['checkpoints of films that were deleted stay: the operator is away']);
  });

  it('are left for the next runner by one that is told to stop, and nobody is asked where there are none', async () => {
    const folder = await attempt('films/old/0123abcd-1/22222222');
    const stop = new AbortController();
    const cleared = clear(() => {
      stop.abort();
      return true;
    }, stop.signal);
    expect(await cleared).toEqual([]);
    expect(left(folder)).toContain('checkpoint/realm.json');
    rmSync(folder, { recursive: true });
    asked = [];
    await clear(() => true);
    expect(asked).toEqual([]);
  });
});
