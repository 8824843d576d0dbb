/** The pixels of the shapes on the torus: true ones to compare with, and where the middle of any mask lies. */

/** Whether a point right of and below the middle lies inside a shape of extent r, in pixels. */
const INSIDE = {
  /** r: radius. */
  circle: (x: number, y: number, r: number) => x * x + y * y <= r * r,
  /** r: half side. */
  square: (x: number, y: number, r: number) => Math.abs(x) <= r && Math.abs(y) <= r,
  /** r: circumradius. Upright and equilateral; the middle of its height lies near the middle. */
  triangle: (x: number, y: number, r: number) => {
    const below = y - 0.25 * r;
    return below <= r / 2 && below >= -r + Math.sqrt(3) * Math.abs(x);
  },
} as const;

/** A shape that can be drawn. */
export type ShapeName = keyof typeof INSIDE;

export function isShapeName(name: string): name is ShapeName {
  return Object.hasOwn(INSIDE, name);
}

/** Points a pixel's side is sampled at. */
const SUPERSAMPLING = 4;

/** Covered share of each pixel, `[side, side]`, of a shape in the middle of the picture. */
export function coverage(shape: ShapeName, extent: number, side: number): Float32Array {
  const covered = new Float32Array(side * side);
  const place = (index: number) => (index + 0.5) / SUPERSAMPLING - side / 2;
  for (let row = 0; row < side * SUPERSAMPLING; row++) {
    for (let column = 0; column < side * SUPERSAMPLING; column++) {
      if (!INSIDE[shape](place(column), place(row), extent)) continue;
      const at = Math.floor(row / SUPERSAMPLING) * side + Math.floor(column / SUPERSAMPLING);
      covered[at] = covered[at]! + 1 / SUPERSAMPLING ** 2;
    }
  }
  return covered;
}

/** A place on the torus, in pixels from the left and from above. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Pixels of a picture: their indices in no order, and how many lie in each row and column. */
export interface Mask {
  readonly side: number;
  readonly indices: Int32Array;
  readonly rows: Int32Array;
  readonly columns: Int32Array;
  area: number;
}

export function emptyMask(side: number): Mask {
  return {
    side,
    indices: new Int32Array(side * side),
    rows: new Int32Array(side),
    columns: new Int32Array(side),
    area: 0,
  };
}

export function clear(mask: Mask): void {
  mask.rows.fill(0);
  mask.columns.fill(0);
  mask.area = 0;
}

/** Adds a pixel. */
export function mark(mask: Mask, index: number): void {
  const { side, indices, rows, columns } = mask;
  const row = Math.floor(index / side);
  rows[row] = rows[row]! + 1;
  columns[index - row * side] = columns[index - row * side]! + 1;
  indices[mask.area++] = index;
}

/** Middle of a mask: the circular mean of its pixels on both axes. */
export function middle({ side, rows, columns }: Mask): Place {
  return { x: circularMean(columns, side), y: circularMean(rows, side) };
}

function circularMean(counts: Int32Array, side: number): number {
  let sine = 0;
  let cosine = 0;
  for (let index = 0; index < side; index++) {
    const angle = (2 * Math.PI * (index + 0.5)) / side;
    sine += counts[index]! * Math.sin(angle);
    cosine += counts[index]! * Math.cos(angle);
  }
  return wrapped((Math.atan2(sine, cosine) / (2 * Math.PI)) * side, side);
}

/** A number brought into 0 … side. */
export function wrapped(value: number, side: number): number {
  return ((value % side) + side) % side;
}

/** A true mask with its middle in the middle: 1 for each of its pixels, `[side, side]`. */
export interface Reference {
  readonly pixels: Uint8Array;
  readonly area: number;
}

/** The true mask of a shape. */
export function referenceMask(shape: ShapeName, extent: number, side: number): Reference {
  const mask = emptyMask(side);
  for (const [at, covered] of coverage(shape, extent, side).entries()) {
    if (covered >= 0.5) mark(mask, at);
  }
  const pixels = new Uint8Array(side * side);
  forCentred(mask, middle(mask), (index) => {
    pixels[index] = 1;
  });
  return { pixels, area: mask.area };
}

/** Intersection over union of the reference and the mask, moved by whole pixels so that `place` comes to the middle. */
export function overlap(mask: Mask, place: Place, { pixels, area }: Reference): number {
  let both = 0;
  forCentred(mask, place, (index) => {
    both += pixels[index]!;
  });
  return both / (mask.area + area - both);
}

function forCentred({ side, indices, area }: Mask, place: Place, visit: (index: number) => void): void {
  const right = Math.floor(side / 2 - place.x + 0.5);
  const down = Math.floor(side / 2 - place.y + 0.5);
  for (let at = 0; at < area; at++) {
    const row = Math.floor(indices[at]! / side);
    const column = indices[at]! - row * side;
    visit(wrapped(row + down, side) * side + wrapped(column + right, side));
  }
}
