import type { ShapeName } from './masks.ts';
import { clear, emptyMask, type Mask, mark, middle, overlap, type Place, referenceMask } from './masks.ts';
import type { World } from './world.ts';

/** What is seen in one frame; null where it cannot be told. */
export interface Sighting {
  readonly background: string | null;
  /** The object's median colour, 0 … 1. */
  readonly colour: Colour | null;
  readonly kind: Kind | null;
  readonly place: Place | null;
}

export type Colour = readonly [number, number, number];

/** A shape of a size. */
export interface Kind {
  readonly shape: string;
  readonly size: string;
}

const NOTHING: Sighting = { background: null, colour: null, kind: null, place: null };
/** A background covers at least this share of the picture. */
const LEAST_BACKGROUND = 0.25;

/** Looks at frames of the world, RGB24 of `side × side` pixels. */
export function openSight(world: World): (rgb: Uint8Array) => Sighting {
  const { side, limits } = world;
  const references = Object.entries(world.shapes).flatMap(([shape, sizes]) =>
    Object.entries(sizes).map(([size, extent]) => ({
      kind: { shape, size },
      mask: referenceMask(shape as ShapeName, extent, side),
    })),
  );
  const backgrounds = Object.entries(world.backgrounds).map(([name, colour]) => ({ name, far: squaresTo(colour) }));
  const mask = emptyMask(side);
  const histogram = new Int32Array(3 * 256);

  function bestKind(place: Place): Kind | null {
    let best = 0;
    let found: Kind | null = null;
    for (const { kind, mask: reference } of references) {
      const share = overlap(mask, place, reference);
      if (share > best) [best, found] = [share, kind];
    }
    return best >= limits.overlap ? found : null;
  }

  /** The background that most pixels have. */
  function findBackground(rgb: Uint8Array): (typeof backgrounds)[number] | null {
    let most = 0;
    let found: (typeof backgrounds)[number] | null = null;
    for (const background of backgrounds) {
      const count = countNear(rgb, background.far, limits.background);
      if (count > most) [most, found] = [count, background];
    }
    return most >= side * side * LEAST_BACKGROUND ? found : null;
  }

  return (rgb) => {
    const background = findBackground(rgb);
    if (background === null) return NOTHING;
    findObject(rgb, background.far, limits.objectDistance, mask);
    if (mask.area < limits.leastAreaPixels) return { ...NOTHING, background: background.name };
    const place = middle(mask);
    const colour = medianColour(rgb, mask, histogram);
    return { background: background.name, colour, kind: bestKind(place), place };
  };
}

/** Squared distances of the values 0 … 255 of each channel from a colour's; the sum of three is a pixel's. */
function squaresTo(colour: Colour): Float64Array {
  return Float64Array.from({ length: 3 * 256 }, (_, at) => ((at % 256) / 255 - colour[Math.floor(at / 256)]!) ** 2);
}

function countNear(rgb: Uint8Array, far: Float64Array, limit: number): number {
  const square = limit * limit;
  let count = 0;
  for (let at = 0; at < rgb.length; at += 3) {
    if (far[rgb[at]!]! + far[256 + rgb[at + 1]!]! + far[512 + rgb[at + 2]!]! < square) count++;
  }
  return count;
}

/** Marks the pixels that are not background. */
function findObject(rgb: Uint8Array, far: Float64Array, limit: number, mask: Mask): void {
  const square = limit * limit;
  clear(mask);
  for (let at = 0; at < rgb.length; at += 3) {
    if (far[rgb[at]!]! + far[256 + rgb[at + 1]!]! + far[512 + rgb[at + 2]!]! > square) mark(mask, at / 3);
  }
}

function medianColour(rgb: Uint8Array, { indices, area }: Mask, histogram: Int32Array): Colour {
  histogram.fill(0);
  for (let at = 0; at < area; at++) {
    for (let channel = 0; channel < 3; channel++) {
      const bin = channel * 256 + rgb[indices[at]! * 3 + channel]!;
      histogram[bin] = histogram[bin]! + 1;
    }
  }
  const median = (channel: number) => {
    const low = valueAt(histogram, channel, Math.floor((area - 1) / 2));
    return (low + valueAt(histogram, channel, Math.floor(area / 2))) / 2 / 255;
  };
  return [median(0), median(1), median(2)];
}

/** The value at a place of the sorted values of a channel. */
function valueAt(histogram: Int32Array, channel: number, rank: number): number {
  let before = 0;
  for (let value = 0; value < 256; value++) {
    before += histogram[channel * 256 + value]!;
    if (before > rank) return value;
  }
  return 255;
}
