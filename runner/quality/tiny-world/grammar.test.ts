import { describe, expect, test } from 'vitest';
import { tinyWorld } from '../../../test/trial/read-world.ts';
import { everything, parsePrompt, promptOf, velocityOf } from './grammar.ts';

const world = tinyWorld();
const RED_CIRCLE = { shape: 'circle', size: 'large', colour: 'red', background: 'dark', direction: 'right' };

test('every prompt of the world is read as what it was made of', () => {
  const all = everything(world);
  expect(all.map((wanted) => parsePrompt(world, promptOf(world, wanted)))).toEqual(all);
  expect(new Set(all.map((wanted) => promptOf(world, wanted))).size).toBe(3 * 6 * 2 * 5);
});

test.each([
  { prompt: 'a red circle moving right on a dark background', wanted: RED_CIRCLE },
  { prompt: '  a red  circle moving right ', wanted: RED_CIRCLE },
  { prompt: 'a large red circle moving right', wanted: RED_CIRCLE },
  {
    prompt: 'a cyan square standing still on a light background',
    wanted: { shape: 'square', size: 'large', colour: 'cyan', background: 'light', direction: 'still' },
  },
])('"$prompt" is read', ({ prompt, wanted }) => {
  expect(parsePrompt(world, prompt)).toEqual(wanted);
});

describe('what is not of the world is not read', () => {
  test.each([
    '',
    'a red circle',
    'a red circle moving to the right',
    'a red circle moving still',
    'a red circle standing right',
    'a red star moving right',
    'a pink circle moving right',
    'a toString circle moving right',
    'the red circle moving right',
    'a red circle moving right on a green background',
    'a red circle moving right on a dark background at night',
    'a red circle moving right, a blue square moving left',
  ])('"%s"', (prompt) => {
    expect(parsePrompt(world, prompt)).toBeNull();
  });
});

test('directions are pixels a frame to the right and downwards', () => {
  const velocities = Object.keys(world.directions).map((direction) => [direction, velocityOf(world, direction)]);
  expect(Object.fromEntries(velocities)).toEqual({
    right: [4, 0],
    left: [-4, 0],
    up: [0, -4],
    down: [0, 4],
    still: [0, 0],
  });
});
