import { velocityOf, type Wanted } from '../../runner/quality/tiny-world/grammar.ts';
import { coverage, type ShapeName, wrapped } from '../../runner/quality/tiny-world/masks.ts';
import type { World } from '../../runner/quality/tiny-world/world.ts';

/** Pixels to the right and downwards. */
export type Shift = readonly [number, number];

/** The object of a prompt in the middle of the picture, RGB24. */
export function drawPicture(world: World, { shape, size, colour, background }: Wanted): Uint8Array {
  const { side } = world;
  const covered = coverage(shape as ShapeName, world.shapes[shape]![size]!, side);
  const object = world.colours[colour]!;
  const around = world.backgrounds[background]!;
  const rgb = new Uint8ClampedArray(side * side * 3);
  for (let at = 0; at < side * side; at++) {
    const share = covered[at]!;
    for (let channel = 0; channel < 3; channel++) {
      rgb[at * 3 + channel] = 255 * (share * object[channel]! + (1 - share) * around[channel]!);
    }
  }
  return new Uint8Array(rgb.buffer);
}

/** The picture moved on the torus. */
export function shifted(rgb: Uint8Array, side: number, [right, down]: Shift): Uint8Array {
  const out = new Uint8Array(rgb.length);
  const split = (side - wrapped(right, side)) * 3;
  for (let row = 0; row < side; row++) {
    const from = rgb.subarray(row * side * 3, (row + 1) * side * 3);
    const to = wrapped(row + down, side) * side * 3;
    out.set(from.subarray(split), to);
    out.set(from.subarray(0, split), to + side * 3 - split);
  }
  return out;
}

/** The true film of a prompt, frame by frame; `start` is the first frame's shift. */
export function* drawClip(
  world: World,
  wanted: Wanted,
  frames: number,
  start: Shift = [0, 0],
): Generator<Uint8Array, void, undefined> {
  const picture = drawPicture(world, wanted);
  const [right, down] = velocityOf(world, wanted.direction);
  for (let frame = 0; frame < frames; frame++) {
    yield shifted(picture, world.side, [start[0] + right * frame, start[1] + down * frame]);
  }
}
