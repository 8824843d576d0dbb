import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { latentAt, sliceLatents } from '../latents.ts';
import { cpuDevices } from '../ort/device.ts';
import type { F32Tensor } from '../tensor.ts';
import { openModel } from '../weights/open-model.ts';
import { readTensors } from '../weights/read-tensors.ts';
import { type FrameDecoder, openFrameDecoder } from './frames.ts';
import { toRgb } from './pixels.ts';
import { openDecoder } from './stream.ts';

const GOLDEN = join(import.meta.dirname, '../../test/golden/data');
const opened = openModel(join(GOLDEN, 'tiny-wan'));
const model = { config: opened.config.vae, weights: opened.vae };
const latents = readTensors(join(GOLDEN, 'vae.safetensors')).f32('latents');
const [, , count, latentHeight, latentWidth] = latents.shape as [number, number, number, number, number];
const [device] = cpuDevices(1);
const size = { latentHeight, latentWidth };
const options = { ...size, parts: [{ device: device! }] };

async function framesOf(decoder: FrameDecoder, block: F32Tensor) {
  const all: { count: number; rgb: string }[] = [];
  for await (const frames of decoder.decode(block)) {
    all.push({ count: frames.count, rgb: Buffer.from(frames.rgb).toString('hex') });
  }
  return all;
}

function expected(from: number) {
  const decoder = openDecoder(model, { ...size, device: device! });
  const all = Array.from({ length: count }, (_, at) => {
    const { planes, frames } = decoder.decode(latentAt(latents, at));
    return { count: frames, rgb: Buffer.from(toRgb(planes, frames, latentHeight * latentWidth * 64)).toString('hex') };
  });
  decoder.release();
  return all.slice(from);
}

describe('decoding in a thread', () => {
  it('gives the frames of the decoder, latent by latent, over several blocks', async () => {
    const decoder = await openFrameDecoder(model, options);
    const all = await framesOf(decoder, latents);
    expect(all).toEqual(expected(0));
    expect(all.map((frames) => frames.count)).toEqual([1, 4, 4, 4, 4]);
    const more = await framesOf(decoder, latents);
    expect(more.map((frames) => frames.count)).toEqual([4, 4, 4, 4, 4]);
    await decoder[Symbol.asyncDispose]();
  });

  it('goes on from kept latents', async () => {
    const decoder = await openFrameDecoder(model, {
      ...options,
      from: { next: 3, before: sliceLatents(latents, 0, 3) },
    });
    expect(await framesOf(decoder, sliceLatents(latents, 3, 2))).toEqual(expected(3));
    await decoder[Symbol.asyncDispose]();
  });

  it('names latents that do not fit', async () => {
    const decoder = await openFrameDecoder(model, options);
    const other = { shape: [1, 16, 1, 3, 3], data: new Float32Array(16 * 9) };
    await expect(framesOf(decoder, other)).rejects.toMatchObject({
      code: 'E_DECODE_LATENTS',
      message: expect.stringContaining(`[1, 16, 1, ${latentHeight}, ${latentWidth}]`),
    });
    await decoder[Symbol.asyncDispose]();
  });

  it('passes on why it cannot load', async () => {
    const absent = { ...model, weights: { ...model.weights, folder: '/nowhere' } };
    await expect(openFrameDecoder(absent, options)).rejects.toMatchObject({ code: 'E_DEVICE_RUNTIME' });
  });

  it('ends at an abort, with its reason, while it loads or works', async () => {
    for (const wait of [0, 1]) {
      const controller = new AbortController();
      const run = async () => {
        const decoder = await openFrameDecoder(model, options, controller.signal);
        try {
          for await (const frames of decoder.decode(latents)) {
            expect(frames.count).toBeGreaterThan(0);
            if (wait === 1) controller.abort(new Error('the user stopped it'));
          }
        } finally {
          await decoder[Symbol.asyncDispose]();
        }
      };
      const running = run();
      if (wait === 0) controller.abort(new Error('the user stopped it'));
      await expect(running).rejects.toThrow('the user stopped it');
    }
  });

  it('tells whoever waits that it was closed', async () => {
    const decoder = await openFrameDecoder(model, options);
    const frames = decoder.decode(latents);
    await frames.next();
    await decoder[Symbol.asyncDispose]();
    const rest = async () => {
      for (;;) if ((await frames.next()).done) return 'ended';
    };
    await expect(rest()).rejects.toMatchObject({ code: 'E_DECODE_STOPPED' });
  });
});
