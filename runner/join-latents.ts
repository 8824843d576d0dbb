import type { F32Tensor } from './tensor.ts';

/** Videos `[1, C, F, h, w]` of one size, one after the other in time. */
export function joinLatents(parts: readonly F32Tensor[]): F32Tensor {
  const [one = 1, channels = 0, , height = 0, width = 0] = parts[0]?.shape ?? [];
  const latents = parts.reduce((sum, { shape }) => sum + (shape[2] ?? 0), 0);
  const area = height * width;
  const data = new Float32Array(channels * latents * area);
  let start = 0;
  for (const part of parts) {
    const length = (part.shape[2] ?? 0) * area;
    for (let channel = 0; channel < channels; channel++) {
      const plane = part.data.subarray(channel * length, (channel + 1) * length);
      data.set(plane, channel * latents * area + start);
    }
    start += length;
  }
  return { shape: [one, channels, latents, height, width], data };
}
