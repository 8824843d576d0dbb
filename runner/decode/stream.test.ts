import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDecoderAt } from '../../test/build/decoder-at.ts';
import { latentAt } from '../latents.ts';
import { parseVaeConfig } from '../model/component-configs.ts';
import { cpuDevices } from '../ort/device.ts';
import type { F32Tensor } from '../tensor.ts';
import { elementCount } from '../tensor.ts';
import { readJsonFile } from '../weights/model-file.ts';
import { readTensors } from '../weights/read-tensors.ts';
import { openWeights } from '../weights/shards.ts';
import type { DecoderModel } from './decoder.ts';
import { toRgb } from './pixels.ts';
import { reachLatents, replayStart } from './replay.ts';
import { decodeVideo, openDecoder } from './stream.ts';

const GOLDEN = join(import.meta.dirname, '../../test/golden/data');
const BOUND = 1e-4;

const model: DecoderModel = {
  config: parseVaeConfig(readJsonFile(join(GOLDEN, 'tiny-wan/vae/config.json'), 'config.json')),
  weights: openWeights(join(GOLDEN, 'tiny-wan'), 'vae', 'diffusion_pytorch_model'),
};
const [device] = cpuDevices(1);

/** Decodes in pieces of the given numbers of latents; `size` by the latents' own. */
function decode(latents: F32Tensor, pieces: readonly number[]): readonly F32Tensor[] {
  const decoder = openDecoder(model, optionsFor(latents));
  try {
    let at = 0;
    return pieces.map((count) => {
      at += count;
      return decodeVideo(decoder, cut(latents, at - count, at));
    });
  } finally {
    decoder.release();
  }
}

const optionsFor = ({ shape }: F32Tensor) => ({ device: device!, latentHeight: shape[3]!, latentWidth: shape[4]! });

/** Latents `[from, to)` of a video. */
function cut(video: F32Tensor, from: number, to: number): F32Tensor {
  const [, channels, , height, width] = video.shape as [number, number, number, number, number];
  const area = height * width;
  const data = new Float32Array(channels * (to - from) * area);
  for (let at = from; at < to; at++) {
    const latent = latentAt(video, at);
    for (let c = 0; c < channels; c++) {
      data.set(latent.subarray(c * area, (c + 1) * area), (c * (to - from) + at - from) * area);
    }
  }
  return { shape: [1, channels, to - from, height, width], data };
}

/** Latents that look like nothing in particular: a fixed sequence of numbers in [−1, 1]. */
function anyLatents(count: number, height: number, width: number): F32Tensor {
  const shape = [1, 16, count, height, width];
  let state = 1;
  const next = () => {
    state = (state * 48_271) % 2_147_483_647;
    return (state / 2_147_483_647) * 2 - 1;
  };
  return { shape, data: Float32Array.from({ length: elementCount(shape) }, next) };
}

const bits = ({ data }: F32Tensor) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

describe('decoding', () => {
  const golden = readTensors(join(GOLDEN, 'vae.safetensors'));
  const latents = golden.f32('latents');

  it('gives the frames of the reference', () => {
    const [frames] = decode(latents, [5]) as [F32Tensor];
    const wanted = golden.f32('frames');
    expect(frames.shape).toEqual(wanted.shape);
    const error = frames.data.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted.data[i]!)), 0);
    expect(error).toBeLessThan(BOUND);
  });

  it('gives the same bits in one piece as block by block', () => {
    const whole = decode(latents, [5])[0]!;
    const blocks = decode(latents, [1, 3, 1]);
    expect(blocks.map(({ shape }) => shape[2])).toEqual([1, 12, 4]);
    const [channels, perFrame] = [3, elementCount(whole.shape.slice(3))];
    let frame = 0;
    for (const block of blocks) {
      const count = block.shape[2]!;
      for (let c = 0; c < channels; c++) {
        const part = whole.data.subarray((c * 17 + frame) * perFrame, (c * 17 + frame + count) * perFrame);
        expect(part).toEqual(block.data.subarray(c * count * perFrame, (c + 1) * count * perFrame));
      }
      frame += count;
    }
  });

  it('names latents of another size', () => {
    const decoder = openDecoder(model, optionsFor(latents));
    expect(() => decoder.decode(new Float32Array(3))).toThrow(
      expect.objectContaining({ code: 'E_DECODE_LATENTS', message: expect.stringContaining('[3]') }),
    );
    decoder.release();
  });
});

describe('replaying', () => {
  const count = 54;
  const latents = anyLatents(count, 2, 4);
  const [, last] = decode(latents, [count - 2, 2]) as [F32Tensor, F32Tensor];
  const resumed = (start: number) => {
    const decoder = openDecoder(model, { ...optionsFor(latents), continued: start > 0 });
    decodeVideo(decoder, cut(latents, start, count - 2));
    const frames = decodeVideo(decoder, cut(latents, count - 2, count));
    decoder.release();
    return frames;
  };

  it('looks back 44 latents in the decoder of Wan', () => {
    expect(reachLatents(model.config)).toBe(44);
    expect([0, 5, 44, 45, 257].map((next) => replayStart(model.config, next))).toEqual([0, 0, 0, 1, 213]);
  });

  it('gives the frames of the uninterrupted decoder, bit for bit, at any distance from the start', () => {
    const whole = decode(
      latents,
      Array.from({ length: count }, () => 1),
    );
    for (const next of [0, 1, 7, 44, 45, count - 2]) {
      const start = replayStart(model.config, next);
      const before = next === 0 ? null : cut(latents, start, next);
      const decoder = openDecoderAt(model, optionsFor(latents), { next, before });
      expect(bits(decodeVideo(decoder, cut(latents, next, next + 1)))).toEqual(bits(whole[next]!));
      decoder.release();
    }
  });

  it('needs its latents: from half as many the frames differ', () => {
    expect(bits(resumed(count - 2 - 44))).toEqual(bits(last));
    expect(bits(resumed(count - 2 - 22))).not.toEqual(bits(last));
  });

  it('names how many latents it was to be given', () => {
    const open = () => openDecoderAt(model, optionsFor(latents), { next: 46, before: cut(latents, 0, 3) });
    expect(open).toThrow(
      expect.objectContaining({ code: 'E_DECODE_LATENTS', message: expect.stringMatching(/\[3\].*\[44\]/) }),
    );
  });
});

describe('pixels', () => {
  it('are interleaved, rounded and limited', () => {
    const planes = Float32Array.of(-1, 1, 0, 0.0118, -2, 3, -0.9961, 0.5, 0, 0, 0, 0);
    expect(Array.from(toRgb(planes, 2, 2))).toEqual([0, 0, 128, 255, 255, 128, 128, 0, 128, 129, 191, 128]);
  });
});
