import { describe, expect, test } from 'vitest';
import { qualitySchema, RESULT_LIMIT_BYTES, type Result, resultJson } from '#contract/result.ts';
import { drawPicture, shifted } from '../../test/trial/draw-clip.ts';
import { figuresOf } from '../../test/trial/play.ts';
import { tinyWorld } from '../../test/trial/read-world.ts';
import { measureFilm, qualityRecord } from './film-quality.ts';
import { parsePrompt } from './tiny-world/grammar.ts';
import { openPromptJudge } from './tiny-world/judge-prompt.ts';

const world = tinyWorld();
const wanted = parsePrompt(world, 'a red circle moving right')!;
const circle = drawPicture(world, wanted);
const FRAMES = 129;
const BLOCK_LATENTS = 8;
/** First frames of the blocks of a run with four latents of context: 12 latents, then 8 at a time. */
const STARTS = [0, 45, 77, 109];

type Drawn = (frame: number, block: number) => Uint8Array;
const at = (x: number) => shifted(circle, world.side, [x, 0]);
const film = (draw: Drawn) =>
  Array.from({ length: FRAMES }, (_, frame) => draw(frame, STARTS.filter((start) => start <= frame).length - 1));
const measured = (draw: Drawn) => figuresOf(film(draw), STARTS, BLOCK_LATENTS, { world, wanted });

/** Repeatable noise of ± `size` levels. */
function noisy(rgb: Uint8Array, size: number, seed: number): Uint8Array {
  let state = seed + 1;
  return Uint8ClampedArray.from(rgb, (value) => {
    state = (state * 48271) % 2147483647;
    return value + Math.round((2 * size * state) / 2147483647 - size);
  }) as unknown as Uint8Array;
}

/** The picture blurred over a square of pixels. */
function blurred(rgb: Uint8Array, reach: number): Uint8Array {
  const sum = new Float32Array(rgb.length);
  const side = 2 * reach + 1;
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) {
      for (const [index, value] of shifted(rgb, world.side, [x, y]).entries()) sum[index]! += value / side ** 2;
    }
  }
  return Uint8Array.from(sum);
}

const about = (value: number) => expect.closeTo(value, 1);
const short = (value: number | null | undefined) => (value == null ? null : Number(value.toFixed(2)));

describe('joins', () => {
  test.each([
    {
      what: 'a true film has none that differ, and its motion goes on',
      draw: (frame: number) => at(4 * frame),
      found: { seamRatio: 1, worstSeam: 1, continuity: 1, continuityInside: 1, kept: 3 },
    },
    {
      what: 'a lump that stands still has perfect seams and no motion that could go on',
      draw: () => at(0),
      found: { seamRatio: 1, worstSeam: 1, continuity: null, continuityInside: null, kept: 0 },
    },
    {
      what: 'a lump that flickers too little to be seen is no different',
      draw: (frame: number) => noisy(at(0), frame % 4 === 1 ? 2 : 1, frame),
      found: { seamRatio: about(1), worstSeam: about(1), continuity: null, continuityInside: null, kept: 0 },
    },
    {
      what: 'blocks that each begin anew jump',
      draw: (frame: number, block: number) => at(4 * (frame - STARTS[block]!) + [0, 50, 10, 70][block]!),
      found: {
        seamRatio: expect.closeTo(5, 0),
        worstSeam: expect.closeTo(5, 0),
        continuity: 0,
        continuityInside: about(0.9),
        kept: 0,
      },
    },
    {
      what: 'a turn at one join has no seam but breaks the motion',
      draw: (frame: number) => at(frame < 77 ? 4 * frame : 4 * (153 - frame)),
      found: { seamRatio: 1, worstSeam: 1, continuity: 0.67, continuityInside: about(0.96), kept: 2 },
    },
    {
      what: 'a first frame of another colour at every block is a seam where motion goes on',
      draw: (frame: number) =>
        frame > 0 && STARTS.includes(frame) ? at(4 * frame).map((value) => (value > 200 ? 120 : value)) : at(4 * frame),
      found: { seamRatio: about(1.74), worstSeam: about(1.74), continuity: 1, continuityInside: 1, kept: 3 },
    },
  ])('$what', ({ draw, found }) => {
    const { joins, adherence } = measured(draw);
    expect({
      seamRatio: short(joins?.seamRatio),
      worstSeam: short(joins?.worstSeam),
      continuity: short(joins?.continuity),
      continuityInside: short(joins?.continuityInside),
      kept: adherence?.joinsKept,
    }).toEqual(found);
    expect([joins?.count, adherence?.joins]).toEqual([3, 3]);
  });

  test('of blocks that do not end with a latent are measured the same', () => {
    const frames = film((frame) => at(4 * frame + (frame >= 82 ? 40 : 0)));
    const { joins } = figuresOf(frames, [0, 41, 82], 10);
    expect(joins).toMatchObject({ count: 2, continuity: 0.5, continuityInside: 1 });
    expect(joins!.worstSeam).toBeGreaterThan(4);
  });

  test('are absent from a film of one block', () => {
    expect(
      figuresOf(
        film((frame) => at(4 * frame)),
        [0],
        33,
      ),
    ).toMatchObject({ joins: null, repetition: null });
  });
});

describe('drift', () => {
  const soft = blurred(circle, 4);
  const half = circle.map((value, index) => Math.round(0.4 * value + 0.6 * [15, 15, 25][index % 3]!));
  test.each([
    {
      what: 'none in a true film',
      draw: (frame: number) => at(4 * frame),
      found: { colour: about(0), contrast: about(1), sharpness: about(1), isCollapsed: false },
    },
    {
      what: 'a film that slowly turns brighter',
      draw: (frame: number) => at(4 * frame).map((value) => Math.min(255, value + Math.floor(frame / 4))),
      found: {
        colour: expect.closeTo((Math.sqrt(3) * 97) / 4, 0),
        contrast: about(1),
        sharpness: about(1),
        isCollapsed: false,
      },
    },
    {
      what: 'an object that pales in the second half',
      draw: (frame: number) => shifted(frame < 65 ? circle : half, world.side, [4 * frame, 0]),
      found: { colour: expect.closeTo(11, 0), contrast: about(0.4), sharpness: about(1), isCollapsed: true },
    },
    {
      what: 'a film that blurs in the last quarter',
      draw: (frame: number) => shifted(frame < 97 ? circle : soft, world.side, [4 * frame, 0]),
      found: { colour: about(0.1), contrast: about(0.88), sharpness: about(0.36), isCollapsed: true },
    },
    {
      what: 'a film that drowns in noise',
      draw: (frame: number) => noisy(at(4 * frame), frame < 65 ? 0 : 80, frame),
      found: {
        colour: expect.closeTo(19, 0),
        contrast: about(1),
        sharpness: expect.closeTo(6.5, 0),
        isCollapsed: true,
      },
    },
    {
      what: 'a film in which there is nothing to see',
      draw: () => new Uint8Array(circle.length).fill(90),
      found: { colour: 0, contrast: 1, sharpness: 1, isCollapsed: true },
    },
  ])('$what', ({ draw, found }) => {
    const { drift } = measured(draw);
    expect(drift).toEqual(found);
  });
});

describe('repetition', () => {
  test.each([
    { what: 'a film that moves on shows nothing again', draw: (frame: number) => at(frame), found: 0 },
    { what: 'blocks that are all the same film', draw: (frame: number) => at(4 * (frame % 32)), found: 1 },
    { what: 'a film that stands still has none to find', draw: () => at(0), found: null },
  ])('$what', ({ draw, found }) => {
    expect(measured(draw).repetition).toBe(found);
  });
});

describe('the record', () => {
  test('holds rounded figures, and the prompt only where it was judged', () => {
    const frames = film((frame) => at(4 * frame));
    const record = qualityRecord(figuresOf(frames, STARTS, BLOCK_LATENTS, { world, wanted }));
    expect(record).toEqual({
      joins: { count: 3, seamRatio: 1, worstSeam: 1, continuity: 1, continuityInside: 1 },
      drift: { colour: 0, contrast: 1, sharpness: about(1) },
      repetition: 0,
      collapsed: false,
      prompt: { background: 1, colour: 1, shape: 1, size: 1, step: 1, direction: true, right: true },
    });
    expect(qualitySchema.parse(record)).toEqual(record);
    expect(qualityRecord(figuresOf(frames, [0], BLOCK_LATENTS))).toEqual({
      drift: { colour: 0, contrast: 1, sharpness: about(1) },
      collapsed: false,
    });
  });

  test('calls a film collapsed whose object has gone', () => {
    const record = qualityRecord(measured((frame) => (frame < 97 ? at(4 * frame) : noisy(at(0), 0, 0).fill(15))));
    expect(record).toMatchObject({ collapsed: true, prompt: { right: false } });
  });

  test('gives way before the error when the result would grow too large', () => {
    const quality = qualityRecord(
      figuresOf(
        film((frame) => at(4 * frame)),
        STARTS,
        BLOCK_LATENTS,
      ),
    );
    const result: Result = {
      contractVersion: 1,
      outcome: 'failed',
      quality,
      error: { code: 'E_X', message: 'x'.repeat(3900), fixer: 'user', exit: 'spec' },
      framesReady: 0,
      elapsedSeconds: 1,
    };
    const text = resultJson({ ...result, warnings: ['w'] });
    expect(text.length).toBeLessThanOrEqual(RESULT_LIMIT_BYTES);
    expect(JSON.parse(text)).toEqual({ ...result, quality: undefined });
  });
});

test('a picture that is not the world’s size is measured without its prompt', () => {
  const film = { width: 32, height: 16, frames: 2, blockLatents: 1 };
  const measure = measureFilm(film, openPromptJudge({ world, wanted }, film));
  measure.add(new Uint8Array(2 * 32 * 16 * 3).fill(200));
  expect(measure.result()).toMatchObject({ adherence: null, joins: null });
});
