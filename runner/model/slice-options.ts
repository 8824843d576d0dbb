import type { Edge } from './graph.ts';
import type { Compute, RotaryInputs } from './ops.ts';

/** Layers `[firstLayer, endLayer)` of the transformer, and how much of each block's keys and values is kept. */
export interface SliceOptions extends Compute {
  readonly firstLayer: number;
  readonly endLayer: number;
  /**
   * Tokens of the context, K. Keys and values of the input's tokens `[K, 2K)` come out for the left neighbour, and those
   * that the right neighbour left come in (docs/dualparal.md#feature-cache). 0: neither.
   */
  readonly contextTokens: number;
  /**
   * The left context is not part of the input: its keys and values come in, and those of the input's last K tokens come out for
   * the right neighbour (docs/beyond-the-paper.md#left-context-reused). What is kept for the left neighbour are then the first K.
   */
  readonly reusesLeft?: boolean;
  /** Operations one by one in float32 where Diffusers has it, or in few kernels (fused-layers.ts); by the device where absent. */
  readonly form?: 'plain' | 'fused';
}

/** What all layers of a slice read: the tables are those of the keys. */
export interface SliceInputs extends RotaryInputs {
  readonly tproj: Edge;
}

/** The axis of all keys: those of the left neighbour if they are not in the input, the input's, the right neighbour's. */
export function positionsOf({ contextTokens, reusesLeft }: Pick<SliceOptions, 'contextTokens' | 'reusesLeft'>): string {
  if (reusesLeft === true) return 'P+S+R';
  return contextTokens > 0 ? 'S+R' : 'S';
}
