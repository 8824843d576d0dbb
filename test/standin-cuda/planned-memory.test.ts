import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { twoExperts, type WideModel, wanDecoder, wideModel } from '../build/wide-model.ts';
import { buildStandIn, standInEnvironment, standInObstacle } from './build.ts';
import { eventsIn } from './log.ts';
import type { PlannedFilm } from './make-planned.ts';

const scratch = mkdtempSync(join(tmpdir(), 'planned-memory-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Most bytes that were allocated on each device at once, by the stand-in's log. */
function peaks(log: string): readonly number[] {
  const most: number[] = [];
  for (const { name, device, words } of eventsIn(log)) {
    if (name === 'allocate') most[device] = Math.max(most[device] ?? 0, Number(words[2]));
  }
  return most;
}

const obstacle = standInObstacle();

/** A film's shape, and what makes its model. */
interface Case extends Omit<PlannedFilm, 'folder'> {
  readonly what: string;
  readonly make?: (tiny: string, folder: string) => void;
}

const wide = (model: WideModel) => (tiny: string, folder: string) => wideModel(tiny, folder, model);
/**
 * The stand-in's stages are done in no time, and give their memory back: with so many frames they wait for the decoder to take their blocks,
 * as cards wait for nobody.
 */
const LONG = 121;
const CASES: readonly Case[] = [
  { what: 'the tiny model at 512 × 512', stages: 4, pixels: 512 },
  { what: 'layers of 1.3B width', stages: 2, pixels: 256, make: wide({ layers: 4 }) },
  {
    what: 'devices that give little more than is planned, in tiles and parts',
    ...{ stages: 2, parts: 2, pixels: 384, limited: true, decoding: { tiling: true } },
  },
  {
    what: 'devices that give little more than is planned, layers of 1.3B width',
    ...{ stages: 2, pixels: 256, limited: true, make: wide({ layers: 4 }) },
  },
  { what: 'a layer of 1.3B width for each stage', stages: 4, pixels: 256, make: wide({ layers: 4 }) },
  {
    what: 'bfloat16, and a text encoder that takes more than all else',
    stages: 1,
    pixels: 128,
    make: wide({ layers: 2, dtype: 'BF16', wideText: true }),
  },
  { what: 'a decoder in float16', stages: 1, pixels: 512, decoding: { precision: 'float16' } },
  { what: 'a decoder in tiles', stages: 1, pixels: 512, decoding: { tiling: true } },
  {
    what: 'a left context that is used again',
    ...{ stages: 4, pixels: 512 },
    parallelism: { leftContext: 'reuse' },
  },
  {
    what: 'layers of 1.3B width, left context used again',
    stages: 2,
    pixels: 256,
    make: wide({ layers: 4 }),
    parallelism: { leftContext: 'reuse' },
  },
  { what: 'two experts', stages: 2, pixels: 512, make: twoExperts },
  { what: 'one frame', stages: 2, pixels: 512, frames: 1 },
  { what: 'one frame by Wan’s own decoder', stages: 1, pixels: 256, frames: 1, make: wanDecoder },
  {
    what: 'Wan’s own decoder in tiles',
    stages: 1,
    pixels: 384,
    frames: 9,
    decoding: { tiling: true },
    make: wanDecoder,
  },
  {
    what: 'Wan’s own decoder in tiles, one frame in float16',
    ...{ stages: 1, pixels: [512, 384], frames: 1, make: wanDecoder },
    decoding: { tiling: true, precision: 'float16' },
  },
  { what: 'Wan’s own decoder in two parts', stages: 2, parts: 2, pixels: 256, frames: 13, make: wanDecoder },
  {
    what: 'Wan’s own decoder in tiles and four parts',
    ...{ stages: 4, parts: 4, pixels: 384, frames: 9, make: wanDecoder },
    decoding: { tiling: true },
  },
  { what: 'four parts in tiles', stages: 4, parts: 4, pixels: 512, decoding: { tiling: true } },
  { what: 'a picture of 28 tiles', stages: 1, pixels: [1280, 720], decoding: { tiling: true, precision: 'float16' } },
  { what: 'eight parts in float16', stages: 8, parts: 8, pixels: 512, decoding: { precision: 'float16' } },
];

let films = 0;

/** Expects each device to hold what is planned for it, from 5 % more to an eighth less. */
function expectPlanned({ make, ...film }: Omit<Case, 'what'>): void {
  const tiny = join(import.meta.dirname, '../../models/tiny');
  const name = String(films++);
  const folder = make === undefined ? tiny : join(scratch, name);
  make?.(tiny, folder);
  const { planned, held } = makePlanned({ frames: LONG, ...film, folder }, name);
  expect(held).toHaveLength(film.stages);
  for (const [device, bytes] of planned.entries()) {
    const figures = `device ${device}: ${bytes} planned, ${held[device]} measured`;
    expect(bytes / held[device]!, figures).toBeGreaterThanOrEqual(0.95);
    expect(bytes / held[device]!, figures).toBeLessThanOrEqual(1.15);
  }
}

/** Makes a film in a process of its own: what is planned for each device, and the most that it held. */
function makePlanned(film: PlannedFilm, name: string) {
  const log = join(scratch, `log-${name}`);
  const env = { ...process.env, ...standInEnvironment(buildStandIn(), log) };
  const words = [join(import.meta.dirname, 'make-planned.ts'), JSON.stringify(film)];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { env, encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  return { planned: JSON.parse(stdout) as readonly number[], held: peaks(readFileSync(log, 'utf8')) };
}

test.skipIf(obstacle !== undefined).each(CASES)(
  'the plan says what each device holds, from 5 % less to 15 % more: $what (a stand-in for CUDA, built here)',
  ({ what: _, ...film }) => expectPlanned(film),
);
