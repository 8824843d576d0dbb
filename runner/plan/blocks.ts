/**
 * Purpose of this folder: what a run will do, in whole numbers, before anything loads. Pure: a specification, a model's
 * configuration and byte counts go in, a printable plan comes out. Holds the one truth about the order of work.
 *
 * This file: frames → latents → blocks (docs/dualparal.md#terms).
 */
import { FRAMES_PER_LATENT } from '#contract/job-spec.ts';

/** A film cut into blocks of latent frames. */
export interface BlockCut {
  readonly latents: number;
  readonly blocks: number;
  /** Latents of every block but the first, which has `windowLatents`. */
  readonly blockLatents: number;
  /** Latents that a block sees of each neighbour; 0 where there is only one block. */
  readonly contextLatents: number;
  /** Latents that go through the layers in each block-step: a block and its left context, or all of the first block. */
  readonly windowLatents: number;
  /** Latents at the end of the last block that nobody asked for; dropped before decoding. */
  readonly surplusLatents: number;
}

/** Latent frames that hold `frames` frames: the first latent is one frame, each later one four. */
export function latentsOfFrames(frames: number): number {
  return (frames - 1) / FRAMES_PER_LATENT + 1;
}

/** The cut of `latents`; a film that fits the first block is one block of exactly its length. */
export function cutIntoBlocks(latents: number, blockLatents: number, contextLatents: number): BlockCut {
  const windowLatents = blockLatents + contextLatents;
  if (latents <= windowLatents) {
    return { latents, blocks: 1, blockLatents: latents, contextLatents: 0, windowLatents: latents, surplusLatents: 0 };
  }
  const blocks = Math.ceil((latents - contextLatents) / blockLatents);
  const surplusLatents = contextLatents + blocks * blockLatents - latents;
  return { latents, blocks, blockLatents, contextLatents, windowLatents, surplusLatents };
}

/** First latent of a block in the film and how many it holds, surplus included. */
export function blockSpan(cut: BlockCut, block: number): { readonly firstLatent: number; readonly latents: number } {
  if (block === 0) return { firstLatent: 0, latents: cut.windowLatents };
  return { firstLatent: cut.contextLatents + block * cut.blockLatents, latents: cut.blockLatents };
}
