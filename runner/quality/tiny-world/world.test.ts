import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tinyWorld } from '../../../test/trial/read-world.ts';
import { everything, promptOf } from './grammar.ts';
import { parseWorld } from './world.ts';

const TRAINING = join(import.meta.dirname, '../../../training');
const domain = readFileSync(join(TRAINING, 'domain.py'), 'utf8');
const judge = readFileSync(join(TRAINING, 'judge.py'), 'utf8');

/** A number, tuple or table that a Python file gives a name, as JSON reads it. */
function constant(source: string, name: string): unknown {
  const start = source.search(new RegExp(`^${name} = `, 'm')) + name.length + 3;
  let depth = 0;
  let end = start;
  for (; source[end] !== '\n' || depth > 0; end++) {
    if ('({['.includes(source[end]!)) depth++;
    if (')}]'.includes(source[end]!)) depth--;
  }
  const json = source
    .slice(start, end)
    .replace(/#.*/g, '')
    .replaceAll('(', '[')
    .replaceAll(')', ']')
    .replace(/\["(\w+)", "(\w+)"\](?=:)/g, '"$1 $2"')
    .replace(/,(\s*[\]}])/g, '$1');
  return JSON.parse(json);
}

const world = tinyWorld();

test('the world that travels with the tiny model is the one that it is trained in', () => {
  const extents = constant(domain, 'EXTENTS') as Record<string, number>;
  const sizes = constant(domain, 'SIZES') as readonly string[];
  const shapes = (constant(domain, 'SHAPES') as readonly string[]).map((shape) => [
    shape,
    Object.fromEntries(sizes.map((size) => [size, extents[`${shape} ${size}`]])),
  ]);
  const { heldOut: _, ...stated } = world;
  expect(stated).toEqual({
    side: constant(domain, 'SIDE'),
    speedPixelsPerFrame: constant(domain, 'SPEED'),
    gridPixels: (constant(domain, 'CELL') as number) * (constant(domain, 'STRIDE') as number),
    backgrounds: constant(domain, 'BACKGROUNDS'),
    colours: constant(domain, 'COLOURS'),
    shapes: Object.fromEntries(shapes),
    directions: constant(domain, 'DIRECTIONS'),
    limits: {
      objectDistance: constant(judge, 'OBJECT_DISTANCE'),
      colour: constant(judge, 'COLOUR_LIMIT'),
      background: constant(judge, 'BACKGROUND_LIMIT'),
      overlap: constant(judge, 'OVERLAP_LIMIT'),
      leastAreaPixels: constant(judge, 'LEAST_AREA'),
      stepPixels: constant(judge, 'STEP_LIMIT'),
      stillPixels: constant(judge, 'STILL_LIMIT'),
    },
  });
});

test('the held-out prompts are those that training leaves out', () => {
  const rule = /return \(index \* (\d+) \+ (\d+)\) % (\d+) % (\d+) == (\d+)/.exec(domain)!;
  const [factor, start, wrap, parts, held] = rule.slice(1).map(Number) as [number, number, number, number, number];
  const isHeldOut = (index: number) => ((index * factor + start) % wrap) % parts === held;
  const wanted = everything(world).filter((_, index) => isHeldOut(index));
  expect(world.heldOut).toEqual(wanted.map((each) => promptOf(world, each)));
});

test.each([
  {
    what: 'a shape that nobody can draw',
    spoil: { shapes: { star: { large: 10 } } },
    message: /^world\.json of the model: shapes\.star: no such shape/,
  },
  { what: 'a colour of two numbers', spoil: { colours: { red: [1, 0] } }, message: /colours\.red/ },
  { what: 'a side of text', spoil: { side: '96' }, message: /side: / },
])('$what is refused by name', ({ spoil, message }) => {
  expect(() => parseWorld({ ...world, ...spoil })).toThrow(
    expect.objectContaining({ code: 'E_QUALITY_WORLD', message: expect.stringMatching(message) }),
  );
});
