/** A part of the decoder for whole pictures, its states resident on the device. */

import { vaeStates } from '../model/vae-decoder.ts';
import { own } from '../ort/lifetime.ts';
import { deviceValue, hostValue } from '../ort/value.ts';
import { zeros } from '../tensor.ts';
import { loadChunk } from './chunk.ts';
import type { DecoderModel, DecoderOptions } from './decoder.ts';
import { decodeError } from './errors.ts';
import { limitPicture } from './limit.ts';
import { openEnds, type Part } from './part.ts';

/** Loads the part, which is released with the stack. Throws `E_DEVICE_…`. */
export function openWholePart(model: DecoderModel, options: DecoderOptions, stack: DisposableStack): Part {
  const {
    device,
    latentHeight: height,
    latentWidth: width,
    dtype = 'F32',
    units,
    continued = false,
    firstLatent = 0,
  } = options;
  const { config, weights } = model;
  const size = { height, width };
  const graph = { ...size, unlimited: true, dtype, ...(units === undefined ? {} : { units }) };
  const states = vaeStates(config, weights.tensors, { ...graph, attention: device.kind });
  const later = own(stack, loadChunk(model, device, { ...graph, kind: 'steady' }));
  const resident = states.map(({ name, shape }) => ({
    name,
    value: own(stack, deviceValue(later.session, dtype, shape)),
  }));
  const ends = openEnds(model, options, size, later.session, stack);
  const latent = zeros([1, config.latentChannels, 1, height, width]);
  const latentValue = own(stack, hostValue(latent.data, 'F32', latent.shape));
  later.attach(resident);
  const first = continued ? undefined : own(stack, loadChunk(model, device, { ...graph, kind: 'first' }));
  first?.attach(resident);
  if (continued && device.kind !== 'cpu') later.setZero();
  let done = 0;

  function put(values: Float32Array) {
    if (values.length !== latent.data.length) {
      throw decodeError('E_DECODE_LATENTS', { found: values.length, wanted: latent.shape.join(', ') });
    }
    latent.data.set(values);
    return latentValue;
  }

  return {
    tiles: 1,
    run(given, taken) {
      const chunk = done === 0 ? (first ?? later) : later;
      const form = { ...size, kind: chunk === first ? 'first' : 'steady' } as const;
      const input = given instanceof Float32Array ? put(given) : ends.take(given, form);
      taken();
      const pictures = chunk.run(input, ends.room(form));
      if (done === 0) first?.release();
      done += 1;
      if (ends.handed !== null) return { handed: ends.handed, pictures: null };
      if (!limitPicture(pictures.planes)) throw decodeError('E_DECODE_NOT_FINITE', { latent: firstLatent + done - 1 });
      return { handed: null, pictures };
    },
  };
}
