import { describe, expect, test } from 'vitest';
import { drawClip, drawPicture, shifted } from '../../../test/trial/draw-clip.ts';
import { tinyWorld } from '../../../test/trial/read-world.ts';
import type { FilmAdherence } from '../prompt-judge.ts';
import { openAdherence } from './adherence.ts';
import { everything, velocityOf, type Wanted } from './grammar.ts';

const world = tinyWorld();
const FRAMES = 33;
const BLOCK = 8;
const CIRCLE: Wanted = { shape: 'circle', size: 'large', colour: 'red', background: 'dark', direction: 'right' };

/** The judgement of frames with a block every eight; before the first of them there is no motion to go on. */
function judge(frames: Iterable<Uint8Array>, wanted: Wanted, count = FRAMES): FilmAdherence {
  const judging = openAdherence(world, wanted, count);
  let index = 0;
  for (const frame of frames) {
    if (index % BLOCK === 1) judging.openBlock();
    judging.add(frame);
    index++;
  }
  return judging.result();
}

const RIGHT = { background: 1, colour: 1, shape: 1, size: 1, step: 1, object: 1, direction: true };

describe('true clips', () => {
  const clips = everything(world).map((wanted, index) => {
    const start = [world.gridPixels * (index % 6), world.gridPixels * (index % 5)] as const;
    return { wanted, frames: [...drawClip(world, wanted, FRAMES, start)] };
  });

  test('are judged right in every figure, all of them', () => {
    const results = clips.map(({ wanted, frames }) => judge(frames, wanted));
    const quarters = Array.from({ length: 4 }, () => RIGHT);
    // The last join is that of the last frame, which opens nothing.
    for (const result of results) expect(result).toEqual({ ...RIGHT, quarters, joins: 3, joinsKept: 3, isRight: true });
  });

  test('are judged wrong by any other prompt, in the figure that differs', () => {
    const figureOf = { shape: 'shape', colour: 'colour', background: 'background', direction: 'direction' } as const;
    const all = everything(world);
    let seed = 1;
    for (const { wanted, frames } of clips.filter((_, index) => index % 4 === 0)) {
      for (const [word, figure] of Object.entries(figureOf) as [keyof typeof figureOf, keyof FilmAdherence][]) {
        const others = all.filter((other) => other[word] !== wanted[word]);
        seed = (seed * 48271) % 2147483647;
        const other = { ...wanted, [word]: others[seed % others.length]![word] };
        const result = judge(frames.slice(0, 5), other, 5);
        expect({ isRight: result.isRight, figure: Number(result[figure]) }).toEqual({ isRight: false, figure: 0 });
      }
    }
  });
});

/** A clip drawn frame by frame from a picture and a place. */
function drawn(picture: (frame: number) => Uint8Array, place: (frame: number) => number): readonly Uint8Array[] {
  return Array.from({ length: FRAMES }, (_, frame) => shifted(picture(frame), world.side, [place(frame), 0]));
}

const circle = drawPicture(world, CIRCLE);
const recoloured = (change: (value: number, channel: number) => number) =>
  Uint8Array.from(circle, (value, at) => change(value, at % 3));

describe('what is wrong is found', () => {
  const moving = (frame: number) => 4 * frame;
  test.each([
    {
      what: 'a lump that stands still where motion is asked for keeps no join',
      frames: drawn(
        () => circle,
        () => 0,
      ),
      found: { ...RIGHT, step: 0, direction: false, joins: 3, joinsKept: 0, isRight: false },
    },
    {
      what: 'a jump at the first join of three',
      frames: drawn(
        () => circle,
        (frame) => moving(frame) + (frame > 8 ? 40 : 0),
      ),
      found: { ...RIGHT, step: 31 / 32, joins: 3, joinsKept: 2, isRight: true },
    },
    {
      what: 'a turn at a join',
      frames: drawn(
        () => circle,
        (frame) => (frame <= 16 ? moving(frame) : moving(32 - frame)),
      ),
      found: { ...RIGHT, step: 0.5, direction: false, joins: 3, joinsKept: 2, isRight: false },
    },
    {
      what: 'half the speed',
      frames: drawn(
        () => circle,
        (frame) => 2 * frame,
      ),
      found: { ...RIGHT, step: 0, joins: 3, joinsKept: 3, isRight: false },
    },
    {
      what: 'a dark lump that is nearest to the wanted colour but far from it',
      frames: drawn(() => recoloured((value, channel) => (channel === 0 && value > 100 ? 130 : value)), moving),
      found: { ...RIGHT, colour: 0, joins: 3, joinsKept: 3, isRight: false },
    },
    {
      what: 'an object that is gone after half of the film',
      frames: drawn((frame) => (frame < 17 ? circle : recoloured((_, channel) => [15, 15, 25][channel]!)), moving),
      found: {
        ...RIGHT,
        colour: 17 / 33,
        shape: 17 / 33,
        size: 17 / 33,
        object: 17 / 33,
        step: 0.5,
        joins: 3,
        joinsKept: 1,
        isRight: false,
      },
    },
    {
      what: 'a picture of no known background',
      frames: drawn(() => new Uint8Array(circle.length).fill(128), moving),
      found: {
        background: 0,
        colour: 0,
        shape: 0,
        size: 0,
        step: 0,
        object: 0,
        direction: false,
        joins: 3,
        joinsKept: 0,
        isRight: false,
      },
    },
  ])('$what', ({ frames, found }) => {
    const { quarters, ...whole } = judge(frames, CIRCLE);
    expect(quarters).toHaveLength(4);
    expect(whole).toEqual(found);
  });

  test('only the quarter in which the colour goes is wrong', () => {
    const late = recoloured((value, channel) => (channel === 0 ? value / 2 : value));
    const result = judge(
      drawn((frame) => (frame < 25 ? circle : late), moving),
      CIRCLE,
    );
    expect(result.quarters.map(({ colour }) => colour)).toEqual([1, 1, 1, 0]);
  });
});

test('a film of one frame has no motion to judge', () => {
  expect(judge([circle], CIRCLE, 1)).toMatchObject({ colour: 1, direction: null, step: 0, joins: 0 });
  expect(velocityOf(world, 'nowhere')).toEqual([0, 0]);
});
