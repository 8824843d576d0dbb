/**
 * Going on with a film whose latents are kept and whose decoder is gone. The decoder only looks back so far in time that
 * decoding the last few latents again, from zero states, leaves the states of the uninterrupted decoder, bit for bit.
 */

import { latentAt } from '../latents.ts';
import type { VaeConfig } from '../model/config.ts';
import { vaeBlocks } from '../model/tensor-names.ts';
import type { F32Tensor } from '../tensor.ts';
import { decodeError } from './errors.ts';

/** Frames before its own that a convolution over time sees. */
const REACH_OF_CONVOLUTION = 2;
const CONVOLUTIONS_OF_RESNET = 2;

/**
 * Latents whose numbers a frame is made of, before its own: 44 for Wan's decoder. Convolutions follow one another, each with a reach of
 * two frames, and there are 1, 2, then 4 frames in a latent as the film gets longer on its way. Half a latent counts as a whole one: all
 * frames of a latent may be computed together from all that their convolution sees (model/minimal-filter.ts), and are rounded by it.
 */
export function reachLatents(config: VaeConfig): number {
  let framesPerLatent = 1;
  const latentsOf = (convolutions: number) => convolutions * Math.ceil(REACH_OF_CONVOLUTION / framesPerLatent);
  let reach = latentsOf(1 + 2 * CONVOLUTIONS_OF_RESNET);
  for (const { upsample } of vaeBlocks(config)) {
    reach += latentsOf((config.residualBlocks + 1) * CONVOLUTIONS_OF_RESNET);
    if (upsample !== '3d') continue;
    reach += latentsOf(1);
    framesPerLatent *= 2;
  }
  return reach + latentsOf(1);
}

/** The first latent that must be decoded again to go on at latent `next` of a film: 0 near its beginning. */
export function replayStart(config: VaeConfig, next: number): number {
  return Math.max(0, next - reachLatents(config));
}

/** Where decoding goes on: at latent `next`, with the latents from {@link replayStart} to it, `[1, C, F, h, w]`; null where it is 0. */
export interface ResumePoint {
  readonly next: number;
  readonly before: F32Tensor | null;
}

/** What is to be decoded again, in order, by a decoder that begins as said. Throws `E_DECODE_LATENTS` for others than are needed. */
export function replayOf(
  config: VaeConfig,
  { next, before }: ResumePoint,
): { readonly start: number; readonly continued: boolean; readonly latents: readonly Float32Array<ArrayBuffer>[] } {
  const start = replayStart(config, next);
  const count = before?.shape[2] ?? 0;
  if (count !== next - start) throw decodeError('E_DECODE_LATENTS', { found: count, wanted: next - start });
  return { start, continued: start > 0, latents: Array.from({ length: count }, (_, at) => latentAt(before!, at)) };
}
