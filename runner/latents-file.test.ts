import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkLatentsFile, openLatentsFile } from './latents-file.ts';
import { zeros } from './tensor.ts';
import { readTensors } from './weights/read-tensors.ts';

const GOLDEN = join(import.meta.dirname, '../test/golden/data');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dualparal-latents-'));
  mkdirSync(join(folder, 'out'));
  mkdirSync(join(folder, 'elsewhere'));
  symlinkSync('out', join(folder, 'linked'));
});
afterEach(() => rmSync(folder, { recursive: true }));

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
    const file = openLatentsFile(target);
    const part = zeros([1, 2, 1, 1, 1]);
    part.data.fill(value);
    file?.add(part);
    await file?.write((text) => expect.fail(text));
    expect([...readTensors(target).f32('latents').data]).toEqual([value, value]);
  }
});

test('the output folder may be one that the run will make', async () => {
  expect(await check('new/latents.st', 'new')).toBe(join(folder, 'new/latents.st'));
  await expect(check('absent/latents.st')).rejects.toMatchObject({ code: 'E_STORE_FILE' });
});

test('what cannot be written at the end is a warning', async () => {
  const told: string[] = [];
  const file = openLatentsFile(join(folder, 'gone/latents.st'));
  writeFileSync(join(folder, 'gone'), '');
  file?.add(zeros([1, 1, 1, 1, 1]));
  await file?.write((text) => told.push(text));
  expect(told).toEqual([expect.stringMatching(/^the film is complete, but its latents were not written: /)]);
  expect(readFileSync(join(folder, 'gone'), 'utf8')).toBe('');
});
