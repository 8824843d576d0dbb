import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ffprobe from '@ffprobe-installer/ffprobe';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { folderStore } from '../store/folder.ts';
import type { Picture } from './encoder.ts';
import { readFilmFacts } from './facts.ts';
import { type Ffmpeg, findFfmpeg } from './ffmpeg.ts';
import { type FilmOptions, type FilmWriter, openFilm } from './film.ts';

const PICTURE = { width: 64, height: 48, fps: 16 };

let ffmpeg: Ffmpeg;
let folder: string;

beforeAll(async () => {
  ffmpeg = await findFfmpeg();
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dualparal-film-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Frame `index` of a film that moves: a gradient with a bright column that walks to the right. */
function frame({ width, height }: Picture, index: number): Uint8Array {
  const rgb = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const x = pixel % width;
    const y = Math.floor(pixel / width);
    const bright = Math.abs(x - ((index * 3) % width)) < 3;
    rgb.set(bright ? [255, 250, 240] : [40 + x * 2, 30 + y * 3, 200 - x], pixel * 3);
  }
  return rgb;
}

async function addBlocks(film: FilmWriter, blocks: readonly number[], picture: Picture = PICTURE): Promise<void> {
  let index = 0;
  for (const frames of blocks) {
    const block = film.openBlock(frames);
    for (let i = 0; i < frames; i++) await block.write(frame(picture, index++));
    await block.finish();
  }
}

async function makeFilm(blocks: readonly number[], options: Partial<FilmOptions> = {}, into = folder) {
  const picture = options.picture ?? PICTURE;
  await using film = await openFilm({ store: folderStore(into), ffmpeg, picture, ...options });
  await addBlocks(film, blocks, picture);
  return await film.publish();
}

/** Folder of the blocks of the run that holds the test's folder. */
const blocksOf = (into = folder) => join(into, 'blocks', readdirSync(join(into, 'blocks'))[0] as string);

/** What another program, which shares no code with ours, reads from the file, counting every frame that decodes. */
function probe(path: string) {
  const fields =
    'stream=codec_name,profile,width,height,pix_fmt,color_range,color_space,color_transfer,color_primaries,avg_frame_rate,duration,nb_frames,nb_read_frames:format=duration:format_tags=title,comment';
  const args = ['-v', 'error', '-count_frames', '-show_entries', fields, '-of', 'json', path];
  const run = spawnSync(ffprobe.path, args, { encoding: 'utf8' });
  const { streams, format } = JSON.parse(run.stdout);
  return { complaints: run.stderr, streams, format };
}

function frameTimes(path: string): readonly { pts: number; key: number }[] {
  const args = ['-v', 'error', '-show_entries', 'frame=pts,best_effort_timestamp,key_frame', '-of', 'json', path];
  const { frames } = JSON.parse(spawnSync(ffprobe.path, args, { encoding: 'utf8' }).stdout);
  return frames.map((f: Record<string, number>) => ({ pts: f.pts ?? f.best_effort_timestamp, key: f.key_frame }));
}

/** The film's frames, decoded as BT.709. */
function decode(path: string, { width, height }: Picture): readonly Uint8Array[] {
  const filter = 'scale=in_range=tv:out_range=pc:in_color_matrix=bt709:flags=accurate_rnd+full_chroma_int,format=rgb24';
  const args = ['-v', 'error', '-i', path, '-vf', filter, '-f', 'rawvideo', '-'];
  const { stdout } = spawnSync(ffmpeg.program, args, { maxBuffer: 1 << 28 });
  const bytes = width * height * 3;
  return Array.from({ length: stdout.length / bytes }, (_, i) => stdout.subarray(i * bytes, (i + 1) * bytes));
}

function meanError(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? 0)), 0) / a.length;
}

describe('a film', () => {
  it('holds every frame of unequal blocks, at equal times, and says so to another program', async () => {
    const { film, facts, warnings } = await makeFilm([29, 32, 32, 7], {
      title: 'harbour – 灯台',
      comment: '{"seed":1}',
    });
    expect(warnings).toEqual([]);
    const path = join(folder, 'video.mp4');
    const bytes = readFileSync(path);
    expect(film).toEqual({
      location: path,
      file: 'video.mp4',
      frames: 100,
      seconds: 6.25,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      ...PICTURE,
      codec: 'h264',
    });
    expect(facts).toEqual({
      bytes: bytes.length,
      codec: 'h264',
      codecString: 'avc1.64000a',
      width: 64,
      height: 48,
      frames: 100,
      keyFrames: 4,
      seconds: 6.25,
      fps: 16,
      colour: { space: 'bt709', range: 'tv' },
      indexFirst: true,
      fragmented: false,
      title: 'harbour – 灯台',
      comment: '{"seed":1}',
    });
    expect(probe(path)).toEqual({
      complaints: '',
      streams: [
        {
          codec_name: 'h264',
          profile: 'High',
          width: 64,
          height: 48,
          pix_fmt: 'yuv420p',
          color_range: 'tv',
          color_space: 'bt709',
          color_transfer: 'bt709',
          color_primaries: 'bt709',
          avg_frame_rate: '16/1',
          duration: '6.250000',
          nb_frames: '100',
          nb_read_frames: '100',
        },
      ],
      format: { duration: '6.250000', tags: { title: 'harbour – 灯台', comment: '{"seed":1}' } },
    });
    const times = frameTimes(path);
    expect(times.map(({ pts }) => pts)).toEqual(Array.from({ length: 100 }, (_, i) => i * 1000));
    expect(times.flatMap(({ key }, i) => (key ? [i] : []))).toEqual([0, 29, 61, 93]);
  });

  it('shows what it was given: the frames in their order, in their colours', async () => {
    await makeFilm([5, 4, 4]);
    const shown = decode(join(folder, 'video.mp4'), PICTURE);
    expect(shown.length).toBe(13);
    for (const [i, rgb] of shown.entries()) expect(meanError(rgb, frame(PICTURE, i))).toBeLessThan(3);
  });

  it('decodes to the same pictures joined as its blocks did, one fragment after another', async () => {
    await using film = await openFilm({ store: folderStore(folder), ffmpeg, picture: PICTURE });
    await addBlocks(film, [3, 8, 2]);
    const names = readdirSync(blocksOf()).sort((a, b) => Number(b === 'init.mp4') - Number(a === 'init.mp4'));
    expect(names).toEqual(['init.mp4', '00000.m4s', '00001.m4s', '00002.m4s']);
    const whole = Buffer.concat(names.map((name) => readFileSync(join(blocksOf(), name))));
    const fragmented = join(folder, 'fragmented.mp4');
    await folderStore(folder).put('fragmented.mp4', whole);
    expect(await readFilmFacts(fragmented)).toMatchObject({
      frames: 13,
      seconds: 13 / 16,
      keyFrames: 3,
      fragmented: true,
    });
    expect(probe(fragmented).streams[0].nb_read_frames).toBe('13');
    const before = decode(fragmented, PICTURE);
    await film.publish();
    expect(decode(join(folder, 'video.mp4'), PICTURE)).toEqual(before);
  });

  it.each([
    { name: 'a single frame', blocks: [1], picture: PICTURE },
    { name: 'blocks of one frame and of many', blocks: [1, 4, 200], picture: PICTURE },
    { name: 'a frame rate that divides no clock', blocks: [9, 8], picture: { ...PICTURE, fps: 7 } },
    { name: 'a fast and wide film', blocks: [5], picture: { width: 256, height: 16, fps: 120 } },
  ])('keeps $name exact', async ({ blocks, picture }) => {
    const frames = blocks.reduce((sum, count) => sum + count);
    const { film } = await makeFilm(blocks, { picture });
    expect(film).toMatchObject({ frames, seconds: frames / picture.fps, ...picture });
    const { streams, complaints } = probe(film.location);
    expect({ complaints, frames: streams[0].nb_read_frames, rate: streams[0].avg_frame_rate }).toEqual({
      complaints: '',
      frames: String(frames),
      rate: `${picture.fps}/1`,
    });
  });

  it('is the same bytes on a rerun', async () => {
    const again = join(folder, 'again');
    const first = await makeFilm([5, 12], { title: 'twice' });
    const second = await makeFilm([5, 12], { title: 'twice' }, again);
    expect(second.film.sha256).toBe(first.film.sha256);
    for (const picture of ['poster.jpg', 'sheet.jpg']) {
      expect(readFileSync(join(again, picture))).toEqual(readFileSync(join(folder, picture)));
    }
  });

  it('comes with a poster of its own size and a contact sheet, and leaves nothing else behind', async () => {
    await makeFilm([17, 16]);
    expect(
      readdirSync(folder, { recursive: true }).filter((name) => statSync(join(folder, String(name))).isFile()),
    ).toEqual(['poster.jpg', 'sheet.jpg', 'video.json', 'video.mp4']);
    const sizes = ['poster.jpg', 'sheet.jpg'].map((name) => {
      const { width, height, codec_name } = probe(join(folder, name)).streams[0];
      return { width, height, codec_name };
    });
    expect(sizes).toEqual([
      { width: 64, height: 48, codec_name: 'mjpeg' },
      { width: 4 * 68 + 4, height: 4 * 52 + 4, codec_name: 'mjpeg' },
    ]);
  });

  it('comes with its pictures from an ffmpeg that has no -vsync any more', async () => {
    const newer = join(folder, 'ffmpeg');
    const refuse = 'case "$*" in *-vsync*) echo "Unrecognized option vsync" >&2; exit 8;; esac';
    writeFileSync(newer, `#!/bin/sh\n${refuse}\nexec ${ffmpeg.program} "$@"\n`, { mode: 0o755 });
    const { warnings } = await makeFilm([5], { ffmpeg: { ...ffmpeg, program: newer } }, join(folder, 'film'));
    expect(warnings).toEqual([]);
  });

  it('is published without its pictures, with a warning, when they cannot be made', async () => {
    const store = folderStore(folder);
    const put: typeof store.put = (name, content, signal) =>
      name.endsWith('.jpg') ? Promise.reject(new Error('no jpeg today')) : store.put(name, content, signal);
    const { film, warnings } = await makeFilm([5], { store: { ...store, put } });
    expect(film.frames).toBe(5);
    expect(warnings).toEqual([
      expect.stringMatching(/^no poster\.jpg: .*no jpeg today/),
      expect.stringMatching(/^no sheet\.jpg: .*no jpeg today/),
    ]);
  });
});

describe('a film that cannot be made', () => {
  it('is refused at once when its folder cannot be written', async () => {
    const store = { ...folderStore(folder), check: () => Promise.reject(new Error('read-only')) };
    await expect(openFilm({ store, ffmpeg, picture: PICTURE })).rejects.toThrow('read-only');
  });

  it('names a block that got fewer frames than it was opened for', async () => {
    await using film = await openFilm({ store: folderStore(folder), ffmpeg, picture: PICTURE });
    const block = film.openBlock(5);
    await block.write(frame(PICTURE, 0));
    await expect(block.finish()).rejects.toMatchObject({
      code: 'E_OUTPUT_FRAMES',
      message: 'a block holds 1 frames where 5 were expected',
    });
    expect(film.framesReady).toBe(0);
  });

  it('refuses to join blocks of different ffmpeg builds', async () => {
    const changeable = join(folder, 'ffmpeg');
    const script = `#!/bin/bash\n[ -e ${folder}/changed ] && set -- "\${@/#high/main}"\nexec ${ffmpeg.program} "$@"\n`;
    writeFileSync(changeable, script, { mode: 0o755 });
    const store = folderStore(join(folder, 'film'));
    await using film = await openFilm({ store, ffmpeg: { ...ffmpeg, program: changeable }, picture: PICTURE });
    await addBlocks(film, [1, 4]);
    writeFileSync(join(folder, 'changed'), '');
    await expect(addBlocks(film, [1])).rejects.toMatchObject({
      code: 'E_FFMPEG_CHANGED',
      message: expect.stringContaining('block 2 was encoded by another ffmpeg build'),
    });
    expect(film.framesReady).toBe(5);
  });

  it('has nothing to publish before its first block', async () => {
    await using film = await openFilm({ store: folderStore(folder), ffmpeg, picture: PICTURE });
    await expect(film.publish()).rejects.toMatchObject({ code: 'E_OUTPUT_FRAMES' });
  });
});
