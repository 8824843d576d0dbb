import type { Adherence, PromptJudge } from '../prompt-judge.ts';
import { createRecent } from '../recent.ts';
import { velocityOf, type Wanted } from './grammar.ts';
import type { Place } from './masks.ts';
import { type Colour, openSight, type Sighting } from './sighting.ts';
import { createTrack, type Step, type Track } from './track.ts';
import type { World } from './world.ts';

const QUARTERS = 4;
const RIGHT_SHARE = 0.9;
/** Steps at a join: those of its latent, over which the decoder may spread what happens there. */
const JOIN_STEPS = 4;
/** Steps before a join that its own are compared with. */
const STEPS_BEFORE = 8;
const SHARES = ['background', 'colour', 'shape', 'size', 'object'] as const;
type Share = (typeof SHARES)[number];

/** Judges a film of `frames` frames, RGB24 of the world's size, by what its prompt wants. */
export function openAdherence(world: World, wanted: Wanted, frames: number): PromptJudge {
  const see = openSight(world);
  const { side, limits } = world;
  const velocity = velocityOf(world, wanted.direction);
  const quarters = Array.from({ length: QUARTERS }, () => createTally(limits.stillPixels));
  const whole = createTally(limits.stillPixels);
  const joins = createJoinWatch(velocity, limits.stepPixels, limits.stillPixels);
  let count = 0;
  let before: Place | null = null;

  function add(rgb: Uint8Array): void {
    const seen = see(rgb);
    const quarter = quarters[Math.min(QUARTERS - 1, Math.floor((count * QUARTERS) / frames))]!;
    const right = rightness(seen, wanted, world);
    for (const tally of [whole, quarter]) tally.frame(right);
    if (count > 0) {
      const step = before && seen.place ? stepBetween(before, seen.place, side) : null;
      const isNear = step !== null && isWithin(step, velocity, limits.stepPixels);
      for (const tally of [whole, quarter]) tally.step(step, isNear);
      joins.step(step);
    }
    before = seen.place;
    count++;
  }

  return {
    openBlock: joins.open,
    add,
    result() {
      const all = whole.result(velocity);
      const least = Math.min(all.background, all.colour, all.shape, all.size, all.step);
      const { joins: total, kept } = joins.result();
      return {
        ...all,
        quarters: quarters.filter(({ isEmpty }) => !isEmpty()).map((tally) => tally.result(velocity)),
        joins: total,
        joinsKept: kept,
        isRight: least >= RIGHT_SHARE,
      };
    },
  };
}

function rightness({ background, colour, kind, place }: Sighting, wanted: Wanted, world: World) {
  return {
    background: background === wanted.background,
    colour: colour !== null && distance(colour, world.colours[wanted.colour]!) < world.limits.colour,
    shape: kind?.shape === wanted.shape,
    size: kind?.size === wanted.size,
    object: place !== null,
  };
}

function distance(a: Colour, b: Colour): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

/** The shorter way from one place to the other on the torus. */
function stepBetween(from: Place, to: Place, side: number): Step {
  const shortest = (a: number, b: number) => ((b - a + 1.5 * side) % side) - side / 2;
  return [shortest(from.x, to.x), shortest(from.y, to.y)];
}

function isWithin(step: Step, wanted: Step, limit: number): boolean {
  return Math.abs(step[0] - wanted[0]) <= limit && Math.abs(step[1] - wanted[1]) <= limit;
}

/** Counts of one stretch of a film. */
interface Tally {
  frame(right: Readonly<Record<Share, boolean>>): void;
  step(step: Step | null, isNear: boolean): void;
  isEmpty(): boolean;
  result(velocity: Step): Adherence;
}

function createTally(stillPixels: number): Tally {
  const right: Record<Share, number> = { background: 0, colour: 0, shape: 0, size: 0, object: 0 };
  const track: Track = createTrack();
  let frames = 0;
  let steps = 0;
  let near = 0;
  return {
    frame(frame) {
      frames++;
      for (const share of SHARES) right[share] += frame[share] ? 1 : 0;
    },
    step(step, isNear) {
      steps++;
      near += isNear ? 1 : 0;
      if (step !== null) track.add(step);
    },
    isEmpty: () => frames === 0,
    result(velocity) {
      const share = (count: number) => count / Math.max(1, frames);
      const isKnown = track.count() > 0 && track.count() >= steps / 2;
      return {
        background: share(right.background),
        colour: share(right.colour),
        shape: share(right.shape),
        size: share(right.size),
        object: share(right.object),
        step: near / Math.max(1, steps),
        direction: isKnown ? isDirection(track.mean(), velocity, stillPixels) : steps > 0 ? false : null,
      };
    },
  };
}

/** Whether a mean step leads where a velocity does: clearly along one axis, or nowhere. */
function isDirection([x, y]: Step, velocity: Step, stillPixels: number): boolean {
  const long = Math.max(Math.abs(x), Math.abs(y));
  if (long < stillPixels) return velocity[0] === 0 && velocity[1] === 0;
  if (Math.min(Math.abs(x), Math.abs(y)) > 0.5 * long) return false;
  const axis = Math.abs(x) > Math.abs(y) ? [Math.sign(x), 0] : [0, Math.sign(y)];
  return axis[0] === Math.sign(velocity[0]) && axis[1] === Math.sign(velocity[1]);
}

/** Follows the object through joins: one is kept when the steps at it are as those before, and not of an object that should move and stands. */
function createJoinWatch(velocity: Step, stepPixels: number, stillPixels: number) {
  const before = createRecent(STEPS_BEFORE);
  const isMoving = velocity[0] !== 0 || velocity[1] !== 0;
  let steps = 0;
  let joins = 0;
  let kept = 0;
  let left = 0;
  let usual: Step | null = null;
  let isKept = false;

  function close(): void {
    if (isKept) kept++;
    isKept = false;
    left = 0;
  }

  return {
    open(): void {
      close();
      // With no motion before it there is none to go on.
      if (steps === 0) return;
      joins++;
      left = JOIN_STEPS;
      usual = before.usual();
      isKept = usual !== null && (!isMoving || Math.hypot(...usual) >= stillPixels);
    },
    step(step: Step | null): void {
      steps++;
      if (left > 0) {
        if (step === null || usual === null || !isWithin(step, usual, stepPixels)) isKept = false;
        left--;
        if (left === 0) close();
      }
      if (step !== null) before.add(step);
    },
    result() {
      close();
      return { joins, kept };
    },
  };
}
