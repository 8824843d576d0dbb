import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { joinLatents } from './latents.ts';
import { checkLatentsFile, openLatentsFile } from './latents-file.ts';
import { zeros } from './tensor.ts';
import { readTensors } from './weights/read-tensors.ts';
import { safetensorsBytes } from './weights/write-tensors.ts';

const GOLDEN = join(import.meta.dirname, '../test/golden/data');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dualparal-latents-'));
  mkdirSync(join(folder, 'out'));
  mkdirSync(join(folder, 'elsewhere'));
  symlinkSync('out', join(folder, 'linked'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Latents of two channels and two rows of three. */
const shape = (latents: number) => ({ latentChannels: 2, latents, latentHeight: 2, latentWidth: 3 });
const check = (path: string, output = 'out') => checkLatentsFile(join(folder, path), join(folder, output));

describe('names that the run itself uses are refused, however they are reached', () => {
  test.each([
    'out/video.mp4',
    'out/video.json',
    'out/partial.mp4',
    'out/poster.jpg',
    'out/blocks',
    'out/blocks/a',
    'out/running-1.json',
    'linked/video.mp4',
  ])('%s', async (path) => {
    await expect(check(path)).rejects.toMatchObject({
      code: 'E_STORE_FILE',
      message: expect.stringContaining('the run keeps files of its own under this name'),
    });
    await expect(check(path, 'linked')).rejects.toMatchObject({ code: 'E_STORE_FILE' });
  });

  test('a link to one that is not there yet', async () => {
    symlinkSync('out/video.mp4', join(folder, 'latents.st'));
    await expect(check('latents.st')).rejects.toMatchObject({ code: 'E_STORE_FILE' });
  });
});

describe('a file that holds something else is left alone', () => {
  test.each([
    { what: 'a manifest', fill: (file: string) => writeFileSync(file, 'kind: VideoGeneration') },
    { what: 'noise', fill: (file: string) => copyFileSync(join(GOLDEN, 'dualparal/t5-b4-c0.safetensors'), file) },
    { what: 'weights', fill: (file: string) => copyFileSync(join(GOLDEN, 'vae.safetensors'), file) },
  ])('$what', async ({ fill }) => {
    fill(join(folder, 'elsewhere/file'));
    await expect(check('elsewhere/file')).rejects.toMatchObject({
      code: 'E_STORE_FILE',
      message: expect.stringContaining('it holds something else than the latents of a film'),
    });
  });
});

test('latents of an earlier run are replaced, and a link is followed to where it leads', async () => {
  symlinkSync('elsewhere/there.st', join(folder, 'latents.st'));
  for (const value of [1, 2]) {
    const target = await check('latents.st');
    expect(target).toBe(join(folder, 'elsewhere/there.st'));
    const file = openLatentsFile(target, join(folder, 'out'), shape(1));
    const part = zeros([1, 2, 1, 2, 3]);
    part.data.fill(value);
    await file?.add(part);
    await file?.write((text) => expect.fail(text));
    expect([...readTensors(target).f32('latents').data]).toEqual(new Array(12).fill(value));
  }
});

describe('latents of a film of six, as they come', () => {
  /** Blocks of 3, 2 and 1 latents, every number another one. */
  const parts = [3, 2, 1].map((count, at) => {
    const part = zeros([1, 2, count, 2, 3]);
    return { ...part, data: part.data.map((_, index) => 100 * at + index) };
  });
  const path = () => join(folder, 'elsewhere/latents.st');

  test('lie in the file as if they had been joined before', async () => {
    await using file = openLatentsFile(path(), join(folder, 'out'), shape(6));
    for (const part of parts) await file?.add(part);
    await file?.write((text) => expect.fail(text));
    const joined = safetensorsBytes(new Map([['latents', joinLatents(parts)]]));
    expect(readFileSync(path()).equals(joined)).toBe(true);
    expect(readdirSync(join(folder, 'elsewhere'))).toEqual(['latents.st']);
  });

  test('of a run that was killed are removed by the next one, also where that gets no latent', async () => {
    const killed = openLatentsFile(path(), join(folder, 'out'), shape(6));
    await killed?.add(parts[0]!);
    expect(readdirSync(join(folder, 'elsewhere'))).toEqual([expect.stringMatching(/^\.unfinished-/)]);
    await openLatentsFile(path(), join(folder, 'out'), shape(6))?.[Symbol.asyncDispose]();
    expect(readdirSync(join(folder, 'elsewhere'))).toEqual([]);
  });

  test('are no file before all of them are there, and leave nothing where the film ends early', async () => {
    writeFileSync(path(), '');
    {
      await using file = openLatentsFile(path(), join(folder, 'out'), shape(6));
      await file?.add(parts[0]!);
      const told: string[] = [];
      await file?.write((text) => told.push(text));
      expect(told).toEqual([expect.stringContaining('3 of 6 latents are there')]);
    }
    expect(readdirSync(join(folder, 'elsewhere'))).toEqual(['latents.st']);
    expect(readFileSync(path(), 'utf8')).toBe('');
  });
});

test('the output folder may be one that the run will make', async () => {
  expect(await check('new/latents.st', 'new')).toBe(join(folder, 'new/latents.st'));
  await expect(check('absent/latents.st')).rejects.toMatchObject({ code: 'E_STORE_FILE' });
});

test('what cannot be written is a warning at the end', async () => {
  const told: string[] = [];
  const file = openLatentsFile(join(folder, 'gone/latents.st'), join(folder, 'out'), shape(1));
  writeFileSync(join(folder, 'gone'), '');
  await file?.add(zeros([1, 2, 1, 2, 3]));
  await file?.write((text) => told.push(text));
  expect(told).toEqual([expect.stringMatching(/^the film is complete, but its latents were not written: /)]);
  expect(readFileSync(join(folder, 'gone'), 'utf8')).toBe('');
});
