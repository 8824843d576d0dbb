/**
 * What a block is between two of its steps, and all that a checkpoint saves of it. Arrays are dense `[C, F, h, w]` of the
 * block's own latents; they may lie over a SharedArrayBuffer. `step` counts the steps done.
 */
export interface BlockState {
  /** The sample as it is now. */
  readonly x: Float32Array;
  /** The sample before the last prediction: what UniPC's corrector starts from. */
  readonly last: Float32Array;
  /** Estimates of the clean sample at the last step and at the one before. */
  readonly estimate1: Float32Array;
  readonly estimate2: Float32Array;
  step: number;
}

/** Float32 arrays of one block state. */
export const BLOCK_STATE_ARRAYS = 4;

/** A state of `elements` numbers per array over `buffer` from `byteOffset`; as the buffer is, so zeros in a fresh one. */
export function blockStateOver(buffer: ArrayBufferLike, byteOffset: number, elements: number): BlockState {
  const array = (index: number) => new Float32Array(buffer, byteOffset + index * elements * 4, elements);
  return { x: array(0), last: array(1), estimate1: array(2), estimate2: array(3), step: 0 };
}

/** A fresh state at pure noise `x`, of which it keeps a copy. */
export function newBlockState(x: ArrayLike<number>): BlockState {
  const state = blockStateOver(new ArrayBuffer(x.length * BLOCK_STATE_ARRAYS * 4), 0, x.length);
  state.x.set(x);
  return state;
}
