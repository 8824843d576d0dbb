/** The motion between two small pictures, in pixels to the right and downwards. */
export type Motion = readonly [number, number];

/** Brightness 0 … 255, `[height, width]`. */
export interface Brightness {
  readonly width: number;
  readonly height: number;
  readonly luma: Float32Array;
}

/** Squares of this side are sought in the later picture, at most {@link REACH} pixels away. */
const SQUARE = 8;
const REACH = 8;
/** A square with less deviation, in levels, looks the same everywhere. */
const LEAST_TEXTURE = 3;
/** A square is found where it differs by less than this share of what it differs in its old place. */
const FOUND = 0.5;

/** The shifts to try, shortest first: of equally good ones the shortest counts. */
const SHIFTS: readonly Motion[] = Array.from({ length: (2 * REACH + 1) ** 2 }, (_, index): Motion => {
  const row = Math.floor(index / (2 * REACH + 1));
  return [(index % (2 * REACH + 1)) - REACH, row - REACH];
}).sort((a, b) => Math.hypot(...a) - Math.hypot(...b));

/**
 * Motion of what moves: the mean of the squares' shifts, each weighted by how much the shift explains. Zero where nothing moves
 * or nothing is found again.
 */
export function motionBetween(before: Brightness, after: Brightness): Motion {
  let [x, y, weights] = [0, 0, 0];
  for (let top = 0; top + SQUARE <= before.height; top += SQUARE) {
    for (let left = 0; left + SQUARE <= before.width; left += SQUARE) {
      if (texture(before, top, left) < LEAST_TEXTURE) continue;
      const { shift, weight } = seek(before, after, top, left);
      x += weight * shift[0];
      y += weight * shift[1];
      weights += weight;
    }
  }
  return weights === 0 ? [0, 0] : [x / weights, y / weights];
}

function seek(before: Brightness, after: Brightness, top: number, left: number): { shift: Motion; weight: number } {
  const still = difference(before, after, top, left, [0, 0], Number.POSITIVE_INFINITY);
  let least = still;
  let shift: Motion = [0, 0];
  for (const tried of SHIFTS) {
    if (least === 0) break;
    const found = difference(before, after, top, left, tried, least);
    if (found < least) [least, shift] = [found, tried];
  }
  return { shift, weight: least < FOUND * still ? still - least : 0 };
}

/** Sum of absolute differences of a square and its shifted place; `limit` or more where it is left early or out of the picture. */
function difference(
  before: Brightness,
  after: Brightness,
  top: number,
  left: number,
  [right, down]: Motion,
  limit: number,
): number {
  const { width, height } = after;
  const [newTop, newLeft] = [top + down, left + right];
  if (newTop < 0 || newLeft < 0 || newTop + SQUARE > height || newLeft + SQUARE > width) return limit;
  let sum = 0;
  for (let row = 0; row < SQUARE && sum < limit; row++) {
    const from = (top + row) * width + left;
    const to = (newTop + row) * width + newLeft;
    for (let column = 0; column < SQUARE; column++) {
      sum += Math.abs(before.luma[from + column]! - after.luma[to + column]!);
    }
  }
  return sum;
}

/** Mean absolute deviation of a square from its mean. */
function texture({ width, luma }: Brightness, top: number, left: number): number {
  let sum = 0;
  for (let at = 0; at < SQUARE * SQUARE; at++) sum += valueIn(luma, width, top, left, at);
  const mean = sum / SQUARE ** 2;
  let deviation = 0;
  for (let at = 0; at < SQUARE * SQUARE; at++) deviation += Math.abs(valueIn(luma, width, top, left, at) - mean);
  return deviation / SQUARE ** 2;
}

function valueIn(luma: Float32Array, width: number, top: number, left: number, at: number): number {
  return luma[(top + Math.floor(at / SQUARE)) * width + left + (at % SQUARE)]!;
}
