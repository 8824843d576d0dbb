/** The decoder for whole pictures, its states resident on the device; and a video at once, for those who have it whole. */

import { joinLatents, latentAt } from '../latents.ts';
import { vaeStates } from '../model/vae-decoder.ts';
import { deviceValue, hostValue } from '../ort/value.ts';
import { type F32Tensor, zeros } from '../tensor.ts';
import { type Chunk, loadChunk } from './chunk.ts';
import { type Decoder, type DecoderModel, type DecoderOptions, PIXELS_PER_LATENT } from './decoder.ts';
import { decodeError } from './errors.ts';
import { limitPicture } from './limit.ts';
import { openTiledDecoder } from './tiled.ts';
import { needsTiles } from './tiles.ts';

/** Loads the decoder. Throws `E_DEVICE_…`. */
export function openDecoder(model: DecoderModel, options: DecoderOptions): Decoder {
  const { latentHeight, latentWidth, tiling } = options;
  return tiling !== undefined && needsTiles(tiling, latentHeight, latentWidth)
    ? openTiledDecoder(model, options, tiling)
    : openWholeDecoder(model, options);
}

function openWholeDecoder(model: DecoderModel, options: DecoderOptions): Decoder {
  const { device, latentHeight: height, latentWidth: width, dtype = 'F32' } = options;
  const graph = { height, width, unlimited: true, dtype } as const;
  const { config, weights } = model;
  const states = vaeStates(config, weights.tensors, { height, width, attention: device.kind, dtype });
  const latent = zeros([1, config.latentChannels, 1, height, width]);
  const latentValue = hostValue(latent.data, 'F32', latent.shape);
  const later = loadChunk(model, device, { ...graph, kind: 'steady' });
  const resident = states.map(({ name, shape }) => ({ name, value: deviceValue(later.session, dtype, shape) }));
  later.attach(resident);
  let first: Chunk | undefined;
  let done = 0;
  if (!options.continued) {
    first = loadChunk(model, device, { ...graph, kind: 'first' });
    first.attach(resident);
  } else if (device.kind !== 'cpu') later.setZero();

  return {
    decode(values) {
      if (values.length !== latent.data.length) {
        throw decodeError('E_DECODE_LATENTS', { found: values.length, wanted: latent.shape.join(', ') });
      }
      latent.data.set(values);
      const pictures = (first ?? later).run(latentValue);
      first?.release();
      first = undefined;
      if (!limitPicture(pictures.planes)) throw decodeError('E_DECODE_NOT_FINITE', { latent: done });
      done += 1;
      return pictures;
    },
    release() {
      first?.release();
      later.release();
      for (const { value } of resident) value.release();
      latentValue.release();
    },
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
