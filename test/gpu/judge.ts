import type { FloatType } from '../../runner/tensor.ts';

/** How far numbers are from a reference ({@link errors}). */
export interface Errors {
  readonly largestError: number;
  readonly relative: number;
}

/** One thing that is wanted of a row, and whether it is so. */
export interface Criterion {
  readonly wanted: string;
  readonly holds: boolean;
}

/** What a row says of itself: all that is wanted, and whether all of it is so. */
export function judged(...criteria: readonly Criterion[]): Criterion {
  return { wanted: criteria.map(({ wanted }) => wanted).join('; '), holds: criteria.every(({ holds }) => holds) };
}

/**
 * The error of the whole by its length is at most so much. Numbers that are all zero have an error of 1, and what is no number
 * compares with nothing, so that neither ever holds.
 */
export function relativeWithin(
  { relative }: Pick<Errors, 'relative'>,
  most: number,
  what = 'relative error',
): Criterion {
  return { wanted: `${what} at most ${most}`, holds: most < 1 && relative <= most };
}

/** No single number is off by more; nor by as much as the whole is long, whatever its size. */
export function largestWithin({ largestError, relative }: Errors, most: number): Criterion {
  return { wanted: `largest error at most ${most}`, holds: largestError <= most && relative < 1 };
}

export function sameBits(areSame: boolean, as: string): Criterion {
  return { wanted: `the same bits as ${as}`, holds: areSame };
}

/**
 * The most that a relative error may be, by what is compared: twice what one card showed in that type, and in float32 at least 1e-5
 * (docs/gpu.md). Matrix products have no figure there: theirs is a few roundings of the type.
 */
export const MOST_RELATIVE = {
  product: { F32: 1e-5, F16: 2e-3, BF16: 1.6e-2 },
  layer: { F32: 1e-5, F16: 1.4e-3, BF16: 1.1e-2 },
  attention: { F32: 1e-5, F16: 6e-4, BF16: 4.4e-3 },
  film: { F32: 1e-5, F16: 4e-3, BF16: 3.2e-2 },
  pictures: { F32: 1e-5, F16: 4e-3, BF16: 3.2e-2 },
} as const satisfies Readonly<Record<string, Readonly<Record<FloatType, number>>>>;

/** Of a golden film's latents in float32, as on the processor. */
export const MOST_GOLDEN = 1e-4;

/** Least and most of the plan as shares of what was measured. */
const PLAN_SHARES = { least: 0.95, most: 1.25 } as const;

/**
 * The plan against the device's memory, in MiB. What CUDA's libraries keep for themselves may have been there before or not: the plan must be
 * enough with it, and not too much without. Memory that nobody tells proves nothing.
 */
export function planHolds(planned: number, libraries: number, measured: number | null): Criterion {
  const { least, most } = PLAN_SHARES;
  const wanted = `a plan of ${least} to ${most} of the memory measured`;
  if (measured === null) return { wanted: `${wanted}, which is not told here`, holds: false };
  const isEnough = planned + libraries >= least * measured;
  return { wanted, holds: measured > 0 && isEnough && planned <= most * measured };
}
