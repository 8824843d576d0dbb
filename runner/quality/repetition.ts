import type { Brightness } from './motion.ts';

/** How much a film shows again what it showed one block earlier. */
export interface RepetitionMeasure {
  /** The next latent's picture. */
  add(picture: Brightness): void;
  /**
   * 0 where a picture resembles the one a block earlier no more than its neighbours, 1 where it equals it; null where the film
   * is too short or nothing changes. A motion that comes round in just the length of a block looks the same.
   */
  result(): number | null;
}

/** Pictures are compared at half the size. */
const REDUCTION = 2;
/** Levels of 0 … 255: pictures that differ less are the same anyway. */
const LEAST_DIFFERENCE = 1;

/** Compares pictures `period` latents apart. */
export function createRepetition(period: number): RepetitionMeasure {
  const ring: Float32Array[] = [];
  let count = 0;
  let [apart, around] = [0, 0];

  return {
    add(picture) {
      const small = reduce(picture, ring[count % (period + 2)]);
      ring[count % (period + 2)] = small;
      const at = (lag: number) => ring[(count - lag) % (period + 2)]!;
      if (count > period) {
        const [near, far] = [Math.max(1, period - 1), period + 1].map((lag) => difference(small, at(lag)));
        apart += difference(small, at(period));
        around += period === 1 ? far! : (near! + far!) / 2;
      }
      count++;
    },
    result() {
      const compared = count - period - 1;
      if (compared < 1 || around / compared < LEAST_DIFFERENCE) return null;
      return Math.max(0, 1 - apart / around);
    },
  };
}

function reduce({ width, height, luma }: Brightness, out: Float32Array | undefined): Float32Array {
  const [columns, rows] = [Math.floor(width / REDUCTION), Math.floor(height / REDUCTION)];
  const small = out ?? new Float32Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = row * REDUCTION * width + column * REDUCTION;
      small[row * columns + column] =
        (luma[from]! + luma[from + 1]! + luma[from + width]! + luma[from + width + 1]!) / 4;
    }
  }
  return small;
}

function difference(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += Math.abs(a[at]! - b[at]!);
  return sum / a.length;
}
