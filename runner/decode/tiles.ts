/**
 * Pictures in overlapping tiles, pure: where the tiles lie, and how their pictures become one. The rules are those of Diffusers'
 * tiled decoding: a tile begins every `stride` latents, is `size` latents long or ends with the picture, and where it overlaps the
 * tile above it, then the one to its left, their picture fades into its own, linearly. Shapes: planes are `[3, T, H, W]`.
 */

/** Length of a tile's side, and from one tile's beginning to the next; both in latents. */
export interface Tiling {
  readonly size: number;
  readonly stride: number;
}

/** 256 pixels every 192, as in Diffusers. */
export const TILING: Tiling = { size: 32, stride: 24 };

/** A tile's place along one side of the picture. */
export interface Span {
  readonly start: number;
  readonly length: number;
}

/** A picture that one tile would hold is decoded whole. */
export function needsTiles({ size }: Tiling, height: number, width: number): boolean {
  return height > size || width > size;
}

/** The tiles along a side of `length` latents. */
export function spansOf({ size, stride }: Tiling, length: number): readonly Span[] {
  return Array.from({ length: Math.ceil(length / stride) }, (_, index) => {
    const start = index * stride;
    return { start, length: Math.min(size, length - start) };
  });
}

/** Height and width in pixels, and how many pictures of that size lie one after another (3 colours × T frames). */
export interface Extent {
  readonly pictures: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Fades a tile in from the tile above it. `above` holds that tile's last `rows` rows; the tile's own first rows show the same
 * part of the picture. A tile that ends before they do only meets the last of them.
 */
export function blendAbove(
  tile: Float32Array,
  { pictures, height, width }: Extent,
  above: Float32Array,
  rows: number,
): void {
  const extent = Math.min(rows, height);
  for (let picture = 0; picture < pictures; picture++) {
    for (let y = 0; y < extent; y++) {
      const weight = y / extent;
      const from = (picture * rows + rows - extent + y) * width;
      const to = (picture * height + y) * width;
      for (let x = 0; x < width; x++) tile[to + x] = above[from + x]! * (1 - weight) + tile[to + x]! * weight;
    }
  }
}

/** Fades a tile in from the tile to its left, whose last `columns` columns `left` holds. */
export function blendLeft(
  tile: Float32Array,
  { pictures, height, width }: Extent,
  left: Float32Array,
  columns: number,
): void {
  const extent = Math.min(columns, width);
  for (let row = 0; row < pictures * height; row++) {
    const from = row * columns + columns - extent;
    const to = row * width;
    for (let x = 0; x < extent; x++) {
      const weight = x / extent;
      tile[to + x] = left[from + x]! * (1 - weight) + tile[to + x]! * weight;
    }
  }
}

/** A place in pictures of a size: that of the pixel in row y and column x. */
export interface Place {
  readonly data: Float32Array;
  readonly height: number;
  readonly width: number;
  readonly y: number;
  readonly x: number;
}

/** Copies a rectangle of each picture. */
export function copyRectangle({ pictures, height, width }: Extent, from: Place, to: Place): void {
  for (let picture = 0; picture < pictures; picture++) {
    for (let row = 0; row < height; row++) {
      const start = (picture * from.height + from.y + row) * from.width + from.x;
      const target = (picture * to.height + to.y + row) * to.width + to.x;
      for (let x = 0; x < width; x++) to.data[target + x] = from.data[start + x]!;
    }
  }
}
