/** The decoder in one piece, in the calling thread; a part of it; and a video at once, for those who have it whole. */

import { joinLatents, latentAt } from '../latents.ts';
import type { F32Tensor } from '../tensor.ts';
import { type Decoder, type DecoderModel, type DecoderOptions, PIXELS_PER_LATENT, type Pictures } from './decoder.ts';
import type { Part } from './part.ts';
import { openTiledPart } from './tiled.ts';
import { needsTiles } from './tiles.ts';
import { openWholePart } from './whole.ts';

/** Loads a part of the decoder, which is released with the stack. Throws `E_DEVICE_…`. */
export function openPart(model: DecoderModel, options: DecoderOptions, stack: DisposableStack): Part {
  const { latentHeight, latentWidth, tiling } = options;
  return tiling !== undefined && needsTiles(tiling, latentHeight, latentWidth)
    ? openTiledPart(model, options, tiling, stack)
    : openWholePart(model, options, stack);
}

/** Loads the decoder. Throws `E_DEVICE_…`. */
export function openDecoder(model: DecoderModel, options: Omit<DecoderOptions, 'units'>): Decoder {
  using opened = new DisposableStack();
  const part = openPart(model, options, opened);
  const stack = opened.move();
  return {
    decode(latent) {
      let pictures: Pictures | null = null;
      for (let tile = 0; tile < part.tiles; tile++) ({ pictures } = part.run(latent, () => undefined));
      return pictures!;
    },
    release: () => stack.dispose(),
  };
}

/** All frames of a video `[1, C, F, h, w]` that continues what `decoder` has decoded: `[1, 3, frames, 8h, 8w]` in [−1, 1]. */
export function decodeVideo(decoder: Decoder, latents: F32Tensor): F32Tensor {
  const [, , count, height, width] = latents.shape as [number, number, number, number, number];
  return joinLatents(
    Array.from({ length: count }, (_, at) => {
      const { planes, frames } = decoder.decode(latentAt(latents, at));
      return { shape: [1, 3, frames, height * PIXELS_PER_LATENT, width * PIXELS_PER_LATENT], data: planes.slice() };
    }),
  );
}
