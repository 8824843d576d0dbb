import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { folderStore } from '../store/folder.ts';
import { readFilmFacts } from './facts.ts';
import { type Ffmpeg, findFfmpeg } from './ffmpeg.ts';
import { type FilmOptions, type FilmWriter, openFilm } from './film.ts';
import { roomWarnings } from './room.ts';

const PAGE_BYTES = 4096;
const PICTURE = { width: 64, height: 48, fps: 16 };
const FRAME_BYTES = 64 * 48 * 3;

let ffmpeg: Ffmpeg;
let folder: string;

beforeAll(async () => {
  ffmpeg = await findFfmpeg();
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dualparal-folder-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const open = (options: Partial<FilmOptions> = {}, signal?: AbortSignal) =>
  openFilm({ store: folderStore(folder), ffmpeg, picture: PICTURE, of: { seed: 42 }, ...options }, signal);

/** A frame of noise that its number decides. */
function frame(index: number): Uint8Array {
  return Uint8Array.from({ length: FRAME_BYTES }, (_, i) => (Math.imul(i + 1, index * 7919 + 31) >>> 11) & 255);
}

async function addBlocks(film: FilmWriter, blocks: readonly number[]): Promise<void> {
  for (const frames of blocks) {
    const block = film.openBlock(frames);
    for (let i = 0; i < frames; i++) await block.write(frame(film.framesReady + i));
    await block.finish();
  }
}

async function makeFilm(blocks: readonly number[], options: Partial<FilmOptions> = {}) {
  await using film = await open(options);
  await addBlocks(film, blocks);
  return await film.publish();
}

/** Everything that lies in the test's folder, with its text. */
function contents(): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, 'latin1')]));
}

const names = () => Object.keys(contents()).sort();
const FILES = ['poster.jpg', 'sheet.jpg', 'video.json', 'video.mp4'];

/** Mounts an empty file system of `bytes` at the test's folder; false where this machine does not let us. */
function mountTmpfs(bytes: number): boolean {
  if (process.getuid?.() !== 0 || process.platform !== 'linux') return false;
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${Math.floor(bytes)}`, 'tmpfs', folder]).status === 0;
}

describe('a folder with a film in it', () => {
  it('takes the same film again, which has the same bytes', async () => {
    const first = await makeFilm([4, 4]);
    expect((await makeFilm([4, 4])).film).toEqual(first.film);
    expect(names()).toEqual(FILES);
  });

  it('refuses the film of another spec before anything is made, names the difference, and keeps what is there', async () => {
    await makeFilm([4]);
    const before = contents();
    await expect(open({ of: { seed: 7 } })).rejects.toMatchObject({
      code: 'E_OUTPUT_OTHER_FILM',
      exit: 'output',
      message: expect.stringMatching(/video\.mp4 belongs to another film: seed \(42 there, 7 here\); give another/),
    });
    expect(contents()).toEqual(before);
    await makeFilm([5], { of: { seed: 7 }, overwrite: true });
    expect(JSON.parse(contents()['video.json'] ?? '')).toMatchObject({ of: { seed: 7 }, film: { frames: 5 } });
  });

  it.each(['video.mp4', 'poster.jpg', 'sheet.jpg', 'partial.mp4', 'video.json'])(
    'refuses to replace a %s of somebody else',
    async (name) => {
      writeFileSync(join(folder, name), '{"my": "own"}');
      await expect(open()).rejects.toMatchObject({ code: 'E_OUTPUT_FOREIGN', message: expect.stringContaining(name) });
      expect(contents()).toEqual({ [name]: '{"my": "own"}' });
    },
  );

  it('refuses to replace a film of ours that somebody has changed since', async () => {
    await makeFilm([4]);
    appendFileSync(join(folder, 'video.mp4'), 'tag');
    await expect(open()).rejects.toMatchObject({
      code: 'E_OUTPUT_FOREIGN',
      message: expect.stringContaining('video.mp4 is not as it was written'),
    });
  });

  it.each([
    { name: 'video.mp4', overwrite: false },
    { name: 'poster.jpg', overwrite: true },
    { name: 'video.json', overwrite: true },
  ])('refuses a link, or a folder, in the place of $name', async ({ name, overwrite }) => {
    const elsewhere = join(folder, 'elsewhere');
    writeFileSync(elsewhere, 'precious');
    symlinkSync(elsewhere, join(folder, name));
    await expect(open({ overwrite })).rejects.toMatchObject({ code: 'E_OUTPUT_FOREIGN' });
    rmSync(join(folder, name));
    mkdirSync(join(folder, name));
    await expect(open({ overwrite })).rejects.toMatchObject({ code: 'E_OUTPUT_FOREIGN' });
    expect(readFileSync(elsewhere, 'utf8')).toBe('precious');
  });

  it('takes the film again after a run that was killed while it published', async () => {
    await makeFilm([4]);
    const { film: _film, ...record } = JSON.parse(contents()['video.json'] ?? '');
    writeFileSync(join(folder, 'video.json'), JSON.stringify({ ...record, files: {}, publishing: true }));
    expect((await makeFilm([4])).warnings).toEqual([]);
  });
});

describe('files of the user', () => {
  it('in blocks/ and beside it stay as they are', async () => {
    mkdirSync(join(folder, 'blocks', 'mine'), { recursive: true });
    const files = ['blocks/00007.m4s', 'blocks/mine/00000.m4s', '.unfinished-mine', 'notes.txt'];
    for (const name of files) writeFileSync(join(folder, name), name);
    await makeFilm([4]);
    expect(names()).toEqual([...files, ...FILES].sort());
  });

  it('behind a link in the place of blocks/ are not touched, and the link is named', async () => {
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, '00000.m4s'), 'precious');
    symlinkSync(elsewhere, join(folder, 'blocks'));
    await expect(makeFilm([4])).rejects.toMatchObject({
      code: 'E_STORE_LINK',
      message: expect.stringContaining('blocks is a symbolic link'),
    });
    expect(readdirSync(folder).sort()).toEqual(['blocks', 'elsewhere']);
    expect(readdirSync(elsewhere)).toEqual(['00000.m4s']);
  });
});

describe('two runs in one folder', () => {
  it('do not mix their films: the second is refused, the first is made', async () => {
    await using film = await open();
    await addBlocks(film, [4]);
    await expect(makeFilm([9], { of: { seed: 7 } })).rejects.toMatchObject({ code: 'E_STORE_BUSY' });
    await addBlocks(film, [4]);
    expect((await film.publish()).film.frames).toBe(8);
  });

  it('end the first when the second took the folder over, without a trace of it in the film', async () => {
    await using film = await open();
    await addBlocks(film, [4]);
    rmSync(join(folder, 'running-1.json'));
    const second = await makeFilm([9], { of: { seed: 7 } });
    await expect(addBlocks(film, [4])).rejects.toMatchObject({ code: 'E_STORE_LOST' });
    await expect(film.publish()).rejects.toMatchObject({ code: 'E_STORE_LOST' });
    expect((await readFilmFacts(join(folder, 'video.mp4'))).bytes).toBe(second.film.bytes);
  });
});

describe('a block that changes between its storing and the join', () => {
  it.each([
    { name: 'is another one', spoil: (path: string) => appendFileSync(path, 'x'), what: 'is not as it was stored' },
    { name: 'is gone', spoil: (path: string) => rmSync(path), what: 'cannot be read any more' },
  ])('is named, and nothing is published, when it $name', async ({ spoil, what }) => {
    await using film = await open();
    await addBlocks(film, [4, 4]);
    const blocks = join(folder, 'blocks', readdirSync(join(folder, 'blocks'))[0] as string);
    spoil(join(blocks, '00001.m4s'));
    await expect(film.publish()).rejects.toMatchObject({
      code: 'E_OUTPUT_BLOCK',
      message: expect.stringMatching(new RegExp(`^block 1 ${what}: ${blocks}/00001.m4s`)),
    });
    expect([existsSync(join(folder, 'video.mp4')), existsSync(join(folder, 'video.json'))]).toEqual([false, false]);
    expect(existsSync(join(blocks, '00000.m4s'))).toBe(true);
  });
});

describe('a run that ends before its time', () => {
  it('keeps its finished blocks as a film that plays, and nothing else', async () => {
    {
      await using film = await open();
      await addBlocks(film, [4, 4]);
      film.openBlock(4).cancel();
      expect(await film.keepFinished()).toMatchObject({ file: 'partial.mp4', frames: 8, seconds: 0.5 });
    }
    expect(names()).toEqual(['partial.mp4', 'video.json']);
    expect(await readFilmFacts(join(folder, 'partial.mp4'))).toMatchObject({ frames: 8, indexFirst: true });
    await expect(open({ of: { seed: 7 } })).rejects.toMatchObject({
      code: 'E_OUTPUT_OTHER_FILM',
      message: expect.stringContaining('partial.mp4'),
    });
  });

  it('keeps the longer of two, and the whole film ends them', async () => {
    for (const [frames, kept] of [
      [8, 8],
      [4, 8],
      [12, 12],
    ] as const) {
      await using film = await open();
      await addBlocks(film, [frames]);
      expect((await film.keepFinished())?.frames).toBe(kept);
    }
    expect((await readFilmFacts(join(folder, 'partial.mp4'))).frames).toBe(12);
    await makeFilm([12, 4]);
    expect(names()).toEqual(FILES);
  });

  it('does not speak of a longer one that is gone, and says where it is now', async () => {
    const keep = async (frames: number) => {
      await using film = await open();
      await addBlocks(film, [frames]);
      return await film.keepFinished();
    };
    await keep(8);
    rmSync(join(folder, 'partial.mp4'));
    expect(await keep(4)).toMatchObject({ frames: 4 });
    await keep(12);
    const moved = `${folder}-moved`;
    renameSync(folder, moved);
    folder = moved;
    expect(await keep(4)).toMatchObject({ frames: 12, location: join(moved, 'partial.mp4') });
  });

  it('has nothing to keep before its first block, or after its film', async () => {
    {
      await using film = await open();
      expect(await film.keepFinished()).toBeUndefined();
    }
    expect(names()).toEqual([]);
    await using film = await open();
    await addBlocks(film, [4]);
    await film.publish();
    expect(await film.keepFinished()).toBeUndefined();
    expect(existsSync(join(folder, 'partial.mp4'))).toBe(false);
  });

  it('is stopped without its film being lost once all blocks are there', async () => {
    const controller = new AbortController();
    await using film = await open({}, controller.signal);
    await addBlocks(film, [4]);
    controller.abort(new Error('stop'));
    const { film: made, warnings } = await film.publish();
    expect([made.frames, warnings]).toEqual([
      4,
      ['no poster.jpg: the run was told to stop', 'no sheet.jpg: the run was told to stop'],
    ]);
  });

  it('by a kill leaves blocks that the next run of the same film clears away, and one of another film refuses', async () => {
    await using film = await open();
    await addBlocks(film, [4]);
    // The claim as a process left it that is gone.
    const gone = spawn('true');
    await new Promise((resolve) => gone.once('close', resolve));
    const path = join(folder, 'running-1.json');
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), pid: gone.pid }));
    await expect(open({ of: { seed: 7 } })).rejects.toMatchObject({ code: 'E_OUTPUT_OTHER_FILM' });
    await makeFilm([4, 4]);
    expect(names()).toEqual(FILES);
  });
});

describe('a disk that is full', () => {
  it('at the join loses nothing: the blocks stay, and the error says where and how to finish', async ({ skip }) => {
    const roomy = await open();
    await addBlocks(roomy, [16, 16, 16, 16]);
    const blocks = join(folder, 'blocks', readdirSync(join(folder, 'blocks'))[0] as string);
    const bytes = readdirSync(blocks).reduce(
      (sum, name) => sum + Math.ceil(statSync(join(blocks, name)).size / PAGE_BYTES) * PAGE_BYTES,
      0,
    );
    await roomy[Symbol.asyncDispose]();
    skip(!mountTmpfs(bytes + 8 * PAGE_BYTES), 'needs root and the right to mount');
    try {
      const failure = await makeFilm([16, 16, 16, 16]).catch((error: Error) => error);
      expect(failure).toMatchObject({ code: 'E_OUTPUT_FULL', exit: 'output' });
      const { message } = failure as Error;
      const kept = join(folder, 'blocks', readdirSync(join(folder, 'blocks'))[0] as string);
      expect(message).toContain(`its 64 frames are kept in ${kept}:`);
      const command = /finish it elsewhere, (cat .*) > film\.mp4$/.exec(message)?.[1] ?? '';
      const whole = spawnSync('sh', ['-c', command], { maxBuffer: 1 << 28 }).stdout;
      const elsewhere = mkdtempSync(join(tmpdir(), 'dualparal-rescued-'));
      writeFileSync(join(elsewhere, 'film.mp4'), whole);
      expect(await readFilmFacts(join(elsewhere, 'film.mp4'))).toMatchObject({ frames: 64 });
      rmSync(elsewhere, { recursive: true });
      expect(existsSync(join(folder, 'video.mp4'))).toBe(false);
    } finally {
      spawnSync('umount', [folder]);
    }
  });

  it.each([
    { name: 'too small for any film', bytes: 16 * PAGE_BYTES, frames: 1_000_000, refused: true },
    { name: 'small', bytes: 128 * PAGE_BYTES, frames: 1000, refused: false },
  ])('is foretold: one that is $name', async ({ bytes, frames, refused }) => {
    if (!mountTmpfs(bytes)) return;
    try {
      const looking = roomWarnings(folderStore(folder), { ...PICTURE, frames });
      if (refused) {
        await expect(looking).rejects.toMatchObject({
          code: 'E_OUTPUT_ROOM',
          message: expect.stringMatching(/needs at least 32 MB \(about .*\), and .* kB are free/),
        });
      } else {
        expect(await looking).toEqual([
          expect.stringMatching(/may not fit into .*: it needs about .* MB, and \d+ kB are free/),
        ]);
      }
      expect(names()).toEqual([]);
    } finally {
      spawnSync('umount', [folder]);
    }
  });
});

describe('the frames of a published film', () => {
  it('come back as they are stored, with the beginnings of the blocks', async () => {
    await using film = await open();
    const block = film.openBlock(3);
    for (const level of [10, 100, 200]) await block.write(new Uint8Array(FRAME_BYTES).fill(level));
    await block.finish();
    const next = film.openBlock(2);
    for (const level of [50, 150]) await next.write(new Uint8Array(FRAME_BYTES).fill(level));
    await next.finish();
    await film.publish();
    const seen: (readonly [number, boolean])[] = [];
    for await (const { rgb, opensBlock } of film.frames()) {
      seen.push([rgb.reduce((sum, value) => sum + value, 0) / FRAME_BYTES, opensBlock]);
    }
    expect(seen.map(([, opens]) => opens)).toEqual([true, false, false, true, false]);
    [10, 100, 200, 50, 150].forEach((level, i) => {
      expect(Math.abs((seen[i]?.[0] ?? 0) - level)).toBeLessThan(3);
    });
  });

  it('are those of the file, not of what went into the encoder', async () => {
    await using film = await open();
    await addBlocks(film, [4]);
    await film.publish();
    writeFileSync(join(folder, 'video.mp4'), 'damaged');
    const reading = async () => {
      for await (const _ of film.frames());
    };
    await expect(reading()).rejects.toMatchObject({ code: expect.stringMatching(/^E_(FFMPEG_FAILED|OUTPUT_FRAMES)$/) });
  });
});
