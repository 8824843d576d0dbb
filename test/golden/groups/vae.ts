import { join } from 'node:path';
import { decodeVideo, openDecoder } from '../../../runner/decode/stream.ts';
import { cpuDevices } from '../../../runner/ort/device.ts';
import type { F32Tensor } from '../../../runner/tensor.ts';
import { type Model, openModel } from '../../../runner/weights/open-model.ts';
import { readTensors } from '../../../runner/weights/read-tensors.ts';
import { comparison, type GroupCheck } from '../compare.ts';

/** Decodes a film from its first latent: frames `[1, 3, T, 8h, 8w]` in [−1, 1]. */
export function decodeAll({ config, vae }: Model, latents: F32Tensor): F32Tensor {
  const [, , , latentHeight = 0, latentWidth = 0] = latents.shape;
  const size = { device: cpuDevices(1)[0]!, latentHeight, latentWidth };
  const decoder = openDecoder({ config: config.vae, weights: vae }, size);
  try {
    return decodeVideo(decoder, latents);
  } finally {
    decoder.release();
  }
}

/** Frames of a short film, decoded latent by latent. */
export const vaeCheck: GroupCheck = {
  name: 'vae',
  files: ['vae.safetensors', 'tiny-wan/model_index.json'],
  run(folder) {
    const golden = readTensors(join(folder, 'vae.safetensors'));
    const frames = decodeAll(openModel(join(folder, 'tiny-wan')), golden.f32('latents'));
    return [comparison('vae frames', [[frames, golden.f32('frames')]])];
  },
};
