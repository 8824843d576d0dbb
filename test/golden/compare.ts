import type { F32Tensor } from '../../runner/tensor.ts';

/** A group of reference tensors: how far ours are at most, and how far they may be. */
export interface Comparison {
  readonly group: string;
  readonly tensors: number;
  /** Largest |ours − reference|; infinite where shapes differ or something is not a number. */
  readonly delta: number;
  readonly bound: number;
}

/** What one file of reference numbers is compared by: its groups, or why there are none. */
export interface GroupCheck {
  readonly name: string;
  /** A folder of the format may lack it (head128, bf16). */
  readonly optional?: boolean;
  /** Files that must be there, relative to the folder. */
  readonly files: readonly string[];
  readonly run: (folder: string) => readonly Comparison[] | Promise<readonly Comparison[]>;
}

/** A correct float32 implementation stays within this of every tensor (data/README.md). */
export const BOUND = 1e-4;

/** Largest distance of two tensors of one shape; infinite where they cannot be compared. */
export function distance(ours: F32Tensor, reference: F32Tensor): number {
  if (ours.shape.join() !== reference.shape.join()) return Number.POSITIVE_INFINITY;
  return largestDifference(ours.data, reference.data);
}

/** The largest difference between two lists of equal length; NaN counts as infinitely far. */
export function largestDifference(ours: ArrayLike<number>, reference: ArrayLike<number>): number {
  if (ours.length !== reference.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let index = 0; index < reference.length; index++) {
    const difference = Math.abs(ours[index]! - reference[index]!);
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    if (difference > largest) largest = difference;
  }
  return largest;
}

/** The comparison of a group from its pairs. A group without tensors is a failure, not a success. */
export function comparison(
  group: string,
  pairs: readonly (readonly [F32Tensor, F32Tensor])[],
  bound = BOUND,
): Comparison {
  const deltas = pairs.map(([ours, reference]) => distance(ours, reference));
  return {
    group,
    tensors: pairs.length,
    delta: pairs.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...deltas),
    bound,
  };
}

/** Row `at` of the outermost axis, as a batch of one. */
export function row(tensor: F32Tensor, at: number): F32Tensor {
  const length = tensor.data.length / tensor.shape[0]!;
  return { shape: [1, ...tensor.shape.slice(1)], data: tensor.data.slice(at * length, (at + 1) * length) };
}

/** `[branch, layer, …]` as `[branch · layer, …]`. */
export function flat(tensor: F32Tensor): F32Tensor {
  return { shape: [tensor.shape[0]! * tensor.shape[1]!, ...tensor.shape.slice(2)], data: tensor.data };
}
