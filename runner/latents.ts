/**
 * Cutting and joining videos in time. A video, of latents or of colours, is `[1, C, F, h, w]`: its channels lie one after the other,
 * so a cut in time is one piece of every channel. This is the one place that knows.
 */

import type { F32Tensor } from './tensor.ts';

/** Where latents of a video lie: `data [C, F, h, w]`, with `area` = h · w numbers per channel and latent. */
export interface LatentMemory {
  readonly data: Float32Array;
  readonly channels: number;
  /** F. */
  readonly latents: number;
  readonly area: number;
}

/** Copies `count` latents of `from`, starting at `start`, to position `at` of `to`. Allocates nothing but views. */
export function copyLatents(from: LatentMemory, start: number, count: number, to: LatentMemory, at: number): void {
  const { area } = from;
  for (let channel = 0; channel < from.channels; channel++) {
    const first = (channel * from.latents + start) * area;
    to.data.set(from.data.subarray(first, first + count * area), (channel * to.latents + at) * area);
  }
}

/** A video's memory as {@link copyLatents} wants it. */
export function memoryOf({ shape, data }: F32Tensor): LatentMemory {
  const [, channels = 0, latents = 0, height = 0, width = 0] = shape;
  return { data, channels, latents, area: height * width };
}

/** A copy of `count` latents of a video, starting at `start`: `[1, C, count, h, w]`. */
export function sliceLatents(video: F32Tensor, start: number, count: number): F32Tensor {
  const [one = 1, channels = 0, , height = 0, width = 0] = video.shape;
  const data = new Float32Array(channels * count * height * width);
  const slice = { shape: [one, channels, count, height, width], data };
  copyLatents(memoryOf(video), start, count, memoryOf(slice), 0);
  return slice;
}

/** A copy of latent `at` of a video, as `[C, h, w]`. */
export function latentAt(video: F32Tensor, at: number): Float32Array<ArrayBuffer> {
  return sliceLatents(video, at, 1).data as Float32Array<ArrayBuffer>;
}

/** Videos `[1, C, F, h, w]` of one size, one after the other in time. */
export function joinLatents(parts: readonly F32Tensor[]): F32Tensor {
  const [one = 1, channels = 0, , height = 0, width = 0] = parts[0]?.shape ?? [];
  const latents = parts.reduce((sum, { shape }) => sum + (shape[2] ?? 0), 0);
  const video = {
    shape: [one, channels, latents, height, width],
    data: new Float32Array(channels * latents * height * width),
  };
  let at = 0;
  for (const part of parts) {
    const from = memoryOf(part);
    copyLatents(from, 0, from.latents, memoryOf(video), at);
    at += from.latents;
  }
  return video;
}
