import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDecoderAt } from '../../test/build/decoder-at.ts';
import { findTorchPython } from '../../test/torch/python.ts';
import { latentAt } from '../latents.ts';
import { cpuDevices } from '../ort/device.ts';
import { elementCount, type F32Tensor } from '../tensor.ts';
import { openModel } from '../weights/open-model.ts';
import { readTensors } from '../weights/read-tensors.ts';
import { safetensorsBytes } from '../weights/write-tensors.ts';
import type { DecoderModel, DecoderOptions } from './decoder.ts';
import { decodeVideo, openDecoder } from './stream.ts';
import { TILING, type Tiling } from './tiles.ts';

const GOLDEN = join(import.meta.dirname, '../../test/golden');
const BOUND = 1e-4;
const opened = openModel(join(GOLDEN, 'data/tiny-wan'));
const model: DecoderModel = { config: opened.config.vae, weights: opened.vae };
const [device] = cpuDevices(1);
/** Tiles of 32 pixels every 24. */
const SMALL: Tiling = { size: 4, stride: 3 };

const golden = readTensors(join(GOLDEN, 'data/vae.safetensors')).f32('latents');

function optionsFor({ shape }: F32Tensor, tiling?: Tiling): DecoderOptions {
  const size = { device: device!, latentHeight: shape[3]!, latentWidth: shape[4]! };
  return tiling === undefined ? size : { ...size, tiling };
}

function decode(latents: F32Tensor, tiling?: Tiling, dtype?: DecoderOptions['dtype']): F32Tensor {
  const decoder = openDecoder(model, { ...optionsFor(latents, tiling), ...(dtype === undefined ? {} : { dtype }) });
  try {
    return decodeVideo(decoder, latents);
  } finally {
    decoder.release();
  }
}

/** Latents `[from, to)` of a video. */
function cut(video: F32Tensor, from: number, to: number): F32Tensor {
  const [, channels, , height, width] = video.shape as [number, number, number, number, number];
  const data = new Float32Array(channels * (to - from) * height * width);
  for (let at = from; at < to; at++) {
    latentAt(video, at).forEach((value, i) => {
      const channel = Math.floor(i / height / width);
      data[(channel * (to - from) + at - from) * height * width + (i % (height * width))] = value;
    });
  }
  return { shape: [1, channels, to - from, height, width], data };
}

function anyLatents(count: number, height: number, width: number): F32Tensor {
  const shape = [1, 16, count, height, width];
  let state = 1;
  const next = () => {
    state = (state * 48_271) % 2_147_483_647;
    return (state / 2_147_483_647) * 2 - 1;
  };
  return { shape, data: Float32Array.from({ length: elementCount(shape) }, next) };
}

/** The four frames of the last latent, colour by colour. */
function lastFrames({ shape, data }: F32Tensor): readonly Float32Array[] {
  const [, colours, frames, height, width] = shape as [number, number, number, number, number];
  return Array.from({ length: colours }, (_, colour) => {
    const end = (colour + 1) * frames * height * width;
    return data.slice(end - 4 * height * width, end);
  });
}

const largest = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

describe('decoding in tiles', () => {
  it('gives the frames of the reference', () => {
    const frames = readTensors(join(GOLDEN, 'vae-tiled/tiled.safetensors')).f32('frames');
    const found = decode(cut(golden, 0, 2), SMALL);
    expect(found.shape).toEqual(frames.shape);
    expect(largest(found.data, frames.data)).toBeLessThan(BOUND);
  });

  it('gives the bits of the whole picture where one tile holds it', () => {
    expect(decode(cut(golden, 0, 2), { size: 8, stride: 6 })).toEqual(decode(cut(golden, 0, 2)));
  });

  it('gives the same bits in one piece, block by block, and after a replay of the last 44 latents', () => {
    const latents = anyLatents(47, 2, 5);
    const whole = decode(latents, SMALL);
    const blocks = openDecoder(model, optionsFor(latents, SMALL));
    decodeVideo(blocks, cut(latents, 0, 3));
    expect(lastFrames(decodeVideo(blocks, cut(latents, 3, 47)))).toEqual(lastFrames(whole));
    blocks.release();
    const resumed = openDecoderAt(model, optionsFor(latents, SMALL), { next: 46, before: cut(latents, 2, 46) });
    expect(lastFrames(decodeVideo(resumed, cut(latents, 46, 47)))).toEqual(lastFrames(whole));
    resumed.release();
  });

  it.each([
    { what: 'tiles', tiling: SMALL },
    { what: 'the whole picture', tiling: undefined },
  ])(
    'decodes $what in float16 within a step of 8 bits of float32, and goes on from kept latents with the same bits',
    ({ tiling }) => {
      const latents = anyLatents(47, 2, 5);
      const half = decode(latents, tiling, 'F16');
      const error = largest(half.data, decode(latents, tiling).data);
      expect(error).toBeGreaterThan(0);
      expect(error).toBeLessThan(2 / 255);
      const options = { ...optionsFor(latents, tiling), dtype: 'F16' } as const;
      const resumed = openDecoderAt(model, options, { next: 46, before: cut(latents, 2, 46) });
      expect(lastFrames(decodeVideo(resumed, cut(latents, 46, 47)))).toEqual(lastFrames(half));
      resumed.release();
    },
  );

  it('names latents of another size', () => {
    const decoder = openDecoder(model, optionsFor(golden, SMALL));
    expect(() => decoder.decode(new Float32Array(3))).toThrow(
      expect.objectContaining({ code: 'E_DECODE_LATENTS', message: expect.stringContaining('[1, 16, 1, 6, 8]') }),
    );
    decoder.release();
  });

  const torch = findTorchPython(['torch', 'diffusers']);
  const title = torch.ok ? '' : ` (${torch.reason})`;
  it.skipIf(!torch.ok)(
    `gives the frames of the installed Diffusers, at other sizes${title}`,
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'dualparal-tiles-'));
      const latents = anyLatents(3, 5, 11);
      const [input, output] = [join(folder, 'latents.safetensors'), join(folder, 'frames.safetensors')];
      writeFileSync(input, safetensorsBytes(new Map([['latents', latents]])));
      const program = [join(GOLDEN, 'vae-tiled/make.py'), join(GOLDEN, 'data/tiny-wan/vae'), input, output];
      const run = spawnSync(torch.ok ? torch.python : '', [...program, '--tile', '40', '--stride', '24'], {
        encoding: 'utf8',
      });
      expect(run.status, run.stderr).toBe(0);
      const wanted = readTensors(output).f32('frames');
      rmSync(folder, { recursive: true });
      const found = decode(latents, { size: 5, stride: 3 });
      expect(found.shape).toEqual(wanted.shape);
      expect(largest(found.data, wanted.data)).toBeLessThan(BOUND);
    },
    300_000,
  );
});

describe('seams', () => {
  // Two tiles each way: rows from 0 and 24, columns from 0 and 24 latents.
  const latents = anyLatents(2, 30, 40);
  const [height, width] = [240, 320];
  const tiled = decode(latents, TILING).data;
  const whole = decode(latents).data;
  const overlaps = (at: number) => at >= 192 && at < 256;

  /** Root of the mean square of a value over the pixels that are asked for. */
  function spread(value: (i: number) => number, isAsked: (y: number, x: number) => boolean): number {
    let [sum, count] = [0, 0];
    for (let i = 0; i < tiled.length; i++) {
      if (!isAsked(Math.floor(i / width) % height, i % width)) continue;
      sum += value(i) ** 2;
      count++;
    }
    return Math.sqrt(sum / count);
  }

  it('differ from the whole picture by less than an eighth of its contrast, on random weights', () => {
    const contrast = spread(
      (i) => whole[i]!,
      () => true,
    );
    const apart = spread(
      (i) => tiled[i]! - whole[i]!,
      (y, x) => overlaps(y) || overlaps(x),
    );
    expect(apart / contrast).toBeLessThan(1 / 8);
    expect(apart).toBeGreaterThan(0);
  });

  it.each([192, 256])('show no edge at column %s: neighbours differ as much as in the whole picture', (column) => {
    const step = (planes: Float32Array) =>
      spread(
        (i) => planes[i]! - planes[i - 1]!,
        (_, x) => x === column,
      );
    expect(step(tiled) / step(whole)).toBeGreaterThan(0.9);
    expect(step(tiled) / step(whole)).toBeLessThan(1.1);
  });
});
