/**
 * Purpose of this folder: latents to pictures. The decoder of a model runs latent by latent with the states that it carries
 * from one to the next (docs/wan.md#video-decoder), in threads of its own beside the pipeline; a
 * film's pictures never lie whole in memory.
 *
 * This file: what a decoder is given and gives. Shapes: C latent channels, h × w latent height and width, F latents, T frames
 * of a latent (1 for a film's first, else 4), pictures of 8h × 8w.
 */

import type { VaeConfig } from '../model/config.ts';
import type { ChunkType } from '../model/vae-decoder.ts';
import type { UnitRange } from '../model/vae-units.ts';
import type { Device } from '../ort/device.ts';
import type { ComponentWeights } from '../weights/shards.ts';
import type { Tiling } from './tiles.ts';

/** The decoder of a model. */
export interface DecoderModel {
  readonly config: VaeConfig;
  readonly weights: ComponentWeights;
}

export interface DecoderOptions {
  readonly device: Device;
  /** h and w. */
  readonly latentHeight: number;
  readonly latentWidth: number;
  /** Begin as if latents had been decoded before, with all states zero, instead of with a film's first latent. */
  readonly continued?: boolean;
  /** Of the film, the latent that is decoded first, for errors; 0 unless said. */
  readonly firstLatent?: number;
  /** Decode larger pictures than a tile in tiles; whole unless said. */
  readonly tiling?: Tiling;
  /** Number format of convolutions and states; F32 unless said. Latents and pictures are float32 always. */
  readonly dtype?: ChunkType;
  /** The part of the decoder; all of it unless said. */
  readonly units?: UnitRange;
}

/** What one latent became: `planes [3, T, 8h, 8w]` in [−1, 1], valid until the next latent is decoded. */
export interface Pictures {
  readonly planes: Float32Array;
  readonly frames: number;
}

export interface Decoder {
  /** Decodes the next latent, `[C, h, w]` as the sampler leaves it. */
  decode(latent: Float32Array): Pictures;
  release(): void;
}

export const PIXELS_PER_LATENT = 8;
