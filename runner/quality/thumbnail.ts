/** A picture made small, and how sharp it was before. */
export interface Thumbnail {
  readonly width: number;
  readonly height: number;
  /** RGB 0 … 255, `[height, width, 3]`. */
  readonly rgb: Float32Array;
  /** Brightness 0 … 255, `[height, width]`. */
  readonly luma: Float32Array;
  /** Root mean square of the steps of brightness between neighbouring pixels of the full picture. */
  readonly edges: number;
}

/** The longer side of a thumbnail has at most this many pixels. */
const LONGEST_SIDE = 64;
/** A side of the square behind each of its pixels is sampled at most this many times, so that large pictures cost no more. */
const SAMPLES = 4;

/** Makes thumbnails of RGB24 pictures of one size; each call overwrites the one before. */
export function openThumbnails(width: number, height: number): (rgb: Uint8Array) => Thumbnail {
  const cell = Math.ceil(Math.max(width, height) / LONGEST_SIDE);
  const stride = Math.ceil(cell / SAMPLES);
  const small = { width: Math.floor(width / cell), height: Math.floor(height / cell) };
  const thumbnail = {
    ...small,
    rgb: new Float32Array(small.width * small.height * 3),
    luma: new Float32Array(small.width * small.height),
    edges: 0,
  };
  const right = 3;
  const below = 3 * width;

  /** Averages the samples of one cell into place `at`; returns the sum of their squared steps to the right and downwards. */
  function average(rgb: Uint8Array, at: number, top: number, left: number): number {
    let [red, green, blue, squares, samples] = [0, 0, 0, 0, 0];
    for (let y = top; y < top + cell; y += stride) {
      const isLastRow = y === height - 1;
      for (let x = left; x < left + cell; x += stride) {
        const from = (y * width + x) * 3;
        red += rgb[from]!;
        green += rgb[from + 1]!;
        blue += rgb[from + 2]!;
        const own = lumaAt(rgb, from);
        const across = x === width - 1 ? 0 : lumaAt(rgb, from + right) - own;
        const down = isLastRow ? 0 : lumaAt(rgb, from + below) - own;
        squares += across * across + down * down;
        samples++;
      }
    }
    thumbnail.rgb[at * 3] = red / samples;
    thumbnail.rgb[at * 3 + 1] = green / samples;
    thumbnail.rgb[at * 3 + 2] = blue / samples;
    thumbnail.luma[at] = (RED * red + GREEN * green + BLUE * blue) / samples;
    return squares / samples;
  }

  return (rgb) => {
    let squares = 0;
    for (let at = 0; at < thumbnail.luma.length; at++) {
      const row = Math.floor(at / small.width);
      squares += average(rgb, at, row * cell, (at - row * small.width) * cell);
    }
    thumbnail.edges = Math.sqrt(squares / (2 * thumbnail.luma.length));
    return thumbnail;
  };
}

/** Shares of the colours in brightness (ITU-R BT.601). */
const RED = 0.299;
const GREEN = 0.587;
const BLUE = 0.114;

function lumaAt(rgb: Uint8Array, at: number): number {
  return RED * rgb[at]! + GREEN * rgb[at + 1]! + BLUE * rgb[at + 2]!;
}
