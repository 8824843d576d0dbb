import { PIXELS_PER_LATENT } from './decoder.ts';
import { blendAbove, blendLeft, copyRectangle, type Extent, type Span, type Tiling } from './tiles.ts';

/** A tile's place in the picture. */
export interface Tile {
  readonly row: number;
  readonly column: number;
  readonly vertical: Span;
  readonly horizontal: Span;
}

/** Puts the pictures of tiles together. Its memory is made once: the picture, and the strips that neighbours share. */
export interface Mosaic {
  /** All tiles, row by row: the order in which they are to be placed. */
  readonly tiles: readonly Tile[];
  /** Blends `planes [3, T, …]` of a tile, in place, with the neighbours placed before it, and puts it into the picture. */
  place(tile: Tile, planes: Float32Array, frames: number): void;
  /** `[3, T, 8h, 8w]`, once all tiles are placed; valid until the next tile is. */
  picture(frames: number): Float32Array;
}

const COLOURS = 3;
const MOST_FRAMES = 4;

/** The mosaic of pictures of `8h × 8w` pixels. */
export function createMosaic(tiling: Tiling, rows: readonly Span[], columns: readonly Span[]): Mosaic {
  const height = end(rows) * PIXELS_PER_LATENT;
  const width = end(columns) * PIXELS_PER_LATENT;
  const overlap = (tiling.size - tiling.stride) * PIXELS_PER_LATENT;
  const stride = tiling.stride * PIXELS_PER_LATENT;
  const memory = (pixels: number) => new Float32Array(COLOURS * MOST_FRAMES * pixels);
  const whole = memory(height * width);
  const above = columns.map(({ length }) => memory(overlap * length * PIXELS_PER_LATENT));
  const left = memory(overlap * tiling.size * PIXELS_PER_LATENT);

  /** Keeps what the tiles below and to the right overlap. */
  function keepEdges({ row, column }: Tile, data: Float32Array, extent: Extent): void {
    const below = above[column]!;
    if (row < rows.length - 1) {
      const from = { data, ...extent, y: extent.height - overlap, x: 0 };
      const strip = { ...extent, height: overlap };
      copyRectangle(strip, from, { data: below, ...strip, y: 0, x: 0 });
    }
    if (column < columns.length - 1) {
      const from = { data, ...extent, y: 0, x: extent.width - overlap };
      const strip = { ...extent, width: overlap };
      copyRectangle(strip, from, { data: left, ...strip, y: 0, x: 0 });
    }
  }

  return {
    tiles: rows.flatMap((vertical, row) =>
      columns.map((horizontal, column) => ({ row, column, vertical, horizontal })),
    ),
    place(tile, planes, frames) {
      const extent: Extent = {
        pictures: COLOURS * frames,
        height: tile.vertical.length * PIXELS_PER_LATENT,
        width: tile.horizontal.length * PIXELS_PER_LATENT,
      };
      if (tile.row > 0) blendAbove(planes, extent, above[tile.column]!, overlap);
      if (tile.column > 0) blendLeft(planes, extent, left, overlap);
      keepEdges(tile, planes, extent);
      const own = { ...extent, height: Math.min(extent.height, stride), width: Math.min(extent.width, stride) };
      const y = tile.vertical.start * PIXELS_PER_LATENT;
      const x = tile.horizontal.start * PIXELS_PER_LATENT;
      copyRectangle(own, { data: planes, ...extent, y: 0, x: 0 }, { data: whole, height, width, y, x });
    },
    picture: (frames) => whole.subarray(0, COLOURS * frames * height * width),
  };
}

function end(spans: readonly Span[]): number {
  const last = spans.at(-1)!;
  return last.start + last.length;
}
