import type { Thumbnail } from './thumbnail.ts';

/** How far a film's quarters get from its first one. */
export interface Drift {
  /** Greatest distance of a quarter's mean colour, in levels of 0 … 255. */
  readonly colour: number;
  /** The ratio of a quarter's contrast that is farthest from 1. */
  readonly contrast: number;
  /** The same of its sharpness: steps between neighbouring pixels as a share of the contrast. */
  readonly sharpness: number;
  /** A quarter lost or doubled what the first one had, or there is next to nothing to see in it. */
  readonly isCollapsed: boolean;
}

export interface DriftMeasure {
  add(thumbnail: Thumbnail): void;
  result(): Drift;
}

const QUARTERS = 4;
/** Levels below which nothing is there to see. */
const LEAST_CONTRAST = 4;
const COLLAPSE_FACTOR = 2;

interface Quarter {
  frames: number;
  readonly colour: [number, number, number];
  contrast: number;
  sharpness: number;
}

/** Measures the drift of a film of `frames` frames. */
export function createDrift(frames: number): DriftMeasure {
  const quarters: Quarter[] = Array.from({ length: QUARTERS }, () => ({
    frames: 0,
    colour: [0, 0, 0],
    contrast: 0,
    sharpness: 0,
  }));
  let count = 0;
  return {
    add({ rgb, luma, edges }) {
      const quarter = quarters[Math.min(QUARTERS - 1, Math.floor((count++ * QUARTERS) / frames))]!;
      quarter.frames++;
      for (let at = 0; at < rgb.length; at++) {
        quarter.colour[(at % 3) as 0 | 1 | 2] += rgb[at]! / luma.length;
      }
      const contrast = deviation(luma);
      quarter.contrast += contrast;
      quarter.sharpness += contrast < LEAST_CONTRAST ? 0 : edges / contrast;
    },
    result() {
      const [first, ...later] = quarters.filter((quarter) => quarter.frames > 0).map(means);
      if (first === undefined) return { colour: 0, contrast: 1, sharpness: 1, isCollapsed: false };
      const contrasts = later.map(({ contrast }) => ratio(contrast, first.contrast));
      const sharpnesses = later.map(({ sharpness }) => ratio(sharpness, first.sharpness));
      const isFlat = [first, ...later].some(({ contrast }) => contrast < LEAST_CONTRAST);
      return {
        colour: Math.max(0, ...later.map(({ colour }) => distance(colour, first.colour))),
        contrast: farthest(contrasts),
        sharpness: farthest(sharpnesses),
        isCollapsed: isFlat || [...contrasts, ...sharpnesses].some(isFar),
      };
    },
  };
}

function means({ frames, colour, contrast, sharpness }: Quarter) {
  return { colour: colour.map((sum) => sum / frames), contrast: contrast / frames, sharpness: sharpness / frames };
}

/** Ratio of two figures; 1 where both are nothing. */
function ratio(value: number, first: number): number {
  if (value === first) return 1;
  return first === 0 ? COLLAPSE_FACTOR * 2 : value / first;
}

const isFar = (value: number) => value > COLLAPSE_FACTOR || value < 1 / COLLAPSE_FACTOR;

function farthest(ratios: readonly number[]): number {
  const size = (value: number) => Math.abs(Math.log(Math.max(value, 1e-6)));
  return ratios.reduce((far, value) => (size(value) > size(far) ? value : far), 1);
}

function distance(a: readonly number[], b: readonly number[]): number {
  return Math.hypot(...a.map((value, at) => value - b[at]!));
}

function deviation(values: Float32Array): number {
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / values.length;
  return Math.sqrt(Math.max(0, squares / values.length - mean * mean));
}
