import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openAdherence } from '../../runner/quality/tiny-world/adherence.ts';
import { everything, type Wanted } from '../../runner/quality/tiny-world/grammar.ts';
import { findTorchPython, runPython } from '../torch/python.ts';
import { drawClip, drawPicture, shifted } from './draw-clip.ts';
import { tinyWorld } from './read-world.ts';

const world = tinyWorld();
const FRAMES = 17;
const python = findTorchPython(['numpy']);

/** The figures that both judges give. */
interface Figures {
  readonly background: number;
  readonly colour: number;
  readonly shape: number;
  readonly size: number;
  readonly step: number;
  readonly direction: number;
  readonly good: number;
}

interface Film {
  readonly what: string;
  readonly wanted: Wanted;
  readonly frames: readonly Uint8Array[];
}

/** Whole numbers 0 … 2³¹ that repeat. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state;
  };
}

/** Films of every kind of fault, by amount: none, noise, another place, another colour, holes, no object. */
function films(): readonly Film[] {
  const next = numbers(7);
  const all = everything(world);
  const some = <T>(list: readonly T[]): T => list[next() % list.length]!;
  return Array.from({ length: 60 }, (_, index) => {
    const shown = some(all);
    const wanted = index % 3 === 0 ? some(all) : shown;
    const start = [next() % world.side, next() % world.side] as const;
    const kind = index % 6;
    const amount = (1 + (index % 10)) / 10;
    const frames = [...drawClip(world, shown, FRAMES, start)].map((frame, at) => spoil(frame, at, kind, amount, next));
    return { what: `film ${index}, fault ${kind} by ${amount}`, wanted, frames };
  });
}

function spoil(frame: Uint8Array, at: number, kind: number, amount: number, next: () => number): Uint8Array {
  if (kind === 1) return clamped(frame, (value) => value + ((next() % 201) - 100) * amount);
  if (kind === 2)
    return shifted(frame, world.side, [at % 4 === 0 ? Math.round(20 * amount) : 0, 2 * Math.floor(0.7 * at)]);
  if (kind === 3) return clamped(frame, (value, index) => (index % 3 === 1 ? value + 100 * amount : value));
  if (kind === 4) return clamped(frame, (value, index) => ((index / 3) % world.side < 60 * amount ? 15 : value));
  if (kind === 5 && at > FRAMES * amount) return frame.slice().fill(15);
  return frame;
}

function clamped(rgb: Uint8Array, change: (value: number, index: number) => number): Uint8Array {
  return new Uint8Array(Uint8ClampedArray.from(rgb, change).buffer);
}

function ours({ frames, wanted }: Film): Figures {
  const judge = openAdherence(world, wanted, frames.length);
  for (const frame of frames) judge.add(frame);
  const { background, colour, shape, size, step, direction, isRight } = judge.result();
  return { background, colour, shape, size, step, direction: Number(direction), good: Number(isRight) };
}

const request = ({ frames, wanted }: Film) => ({
  frames: Buffer.concat(frames).toString('base64'),
  side: world.side,
  look: [wanted.shape, wanted.size, wanted.colour, wanted.background],
  motion: wanted.direction,
});

function greatest(rgb: Uint8Array, base64: string): number {
  const other = Buffer.from(base64, 'base64');
  return Math.max(rgb.length - other.length, ...rgb.map((value, index) => Math.abs(value - other[index]!)));
}

describe('the judge', () => {
  const title = python.ok ? 'gives films the figures of the training’s own judge' : python.reason;
  test.skipIf(!python.ok)(title, () => {
    if (!python.ok) return;
    const all = films();
    const theirs = runPython(python.python, join(import.meta.dirname, 'judge.py'), all.map(request)) as Figures[];
    for (const [index, film] of all.entries()) {
      for (const [figure, value] of Object.entries(ours(film)) as [keyof Figures, number][]) {
        expect(value, `${film.what}: ${figure}`).toBeCloseTo(theirs[index]![figure], 9);
      }
    }
    const spread = new Set(theirs.map((figures) => JSON.stringify(figures)));
    expect(spread.size).toBeGreaterThan(15);
  });

  test.skipIf(!python.ok)(python.ok ? 'draws what the training draws' : python.reason, () => {
    if (!python.ok) return;
    const program = join(import.meta.dirname, 'draw.py');
    const wanted = everything(world).filter((_, index) => index % 5 === 0);
    const theirs = runPython(python.python, program, wanted) as string[];
    // Half levels may be rounded either way: the training draws in float32.
    const differences = wanted.map((each, index) => greatest(drawPicture(world, each), theirs[index]!));
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
  });
});
