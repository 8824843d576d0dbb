import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { latentAt, sliceLatents } from '../latents.ts';
import type { VaeConfig } from '../model/config.ts';
import { vaeDecoderTensors } from '../model/tensor-names.ts';
import { allUnits, vaeUnits } from '../model/vae-units.ts';
import { cpuDevices } from '../ort/device.ts';
import { elementCount, type F32Tensor } from '../tensor.ts';
import { openModel } from '../weights/open-model.ts';
import { openWeights } from '../weights/shards.ts';
import { safetensorsBytes } from '../weights/write-tensors.ts';
import type { DecoderModel } from './decoder.ts';
import { type FrameDecoderOptions, openFrameDecoder, type PlacedPart } from './frames.ts';
import { toRgb } from './pixels.ts';
import { replayStart } from './replay.ts';
import { openDecoder } from './stream.ts';
import type { Tiling } from './tiles.ts';

const GOLDEN = join(import.meta.dirname, '../../test/golden/data');
const opened = openModel(join(GOLDEN, 'tiny-wan'));
const scratch = mkdtempSync(join(tmpdir(), 'dualparal-parts-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const TINY: DecoderModel = { config: opened.config.vae, weights: opened.vae };
/** So wide that its frames lie as on CUDA; otherwise as small as can be. */
const WIDE = randomDecoder({ ...TINY.config, baseWidth: 52, multipliers: [1, 1, 1, 1], residualBlocks: 1 });

function randomDecoder(config: VaeConfig): DecoderModel {
  let state = 1;
  const next = () => {
    state = (state * 48_271) % 2_147_483_647;
    return (2 * state) / 2_147_483_647 - 1;
  };
  const tensors = [...vaeDecoderTensors(config)].map(([name, shape]) => {
    const scale = 2 / Math.sqrt(elementCount(shape.slice(1)));
    return [name, { shape, data: Float32Array.from({ length: elementCount(shape) }, () => next() * scale) }] as const;
  });
  mkdirSync(join(scratch, 'vae'));
  const file = join(scratch, 'vae', 'diffusion_pytorch_model.safetensors');
  writeFileSync(file, safetensorsBytes(new Map(tensors)));
  return { config, weights: openWeights(scratch, 'vae', 'diffusion_pytorch_model') };
}

const LATENTS = { shape: [1, 16, 4, 3, 5], data: new Float32Array(16 * 4 * 15).map((_, at) => Math.sin(at)) };
const COUNT = 4;
const SIZE = { latentHeight: 3, latentWidth: 5 };

/** Parts that begin at the given units, each on a device of its own. */
function partsFrom({ config }: DecoderModel, ...begins: readonly number[]): readonly PlacedPart[] {
  const devices = cpuDevices(begins.length);
  const { endUnit } = allUnits(config);
  return begins.map((firstUnit, part) => ({
    device: devices[part]!,
    units: { firstUnit, endUnit: begins[part + 1] ?? endUnit },
  }));
}

async function framesOf(model: DecoderModel, video: F32Tensor, options: FrameDecoderOptions) {
  await using decoder = await openFrameDecoder(model, options);
  const frames = await Array.fromAsync(decoder.decode(video), ({ rgb, count }) => [count, Buffer.from(rgb)] as const);
  return frames.map(([count, rgb]) => `${count} ${rgb.toString('hex')}`);
}

/** The same by the decoder in one piece. */
function framesInOnePiece(model: DecoderModel, tiling: Tiling | undefined): readonly string[] {
  const decoder = openDecoder(model, { ...SIZE, ...(tiling && { tiling }), device: cpuDevices(1)[0]! });
  const frames = Array.from({ length: COUNT }, (_, at) => {
    const { planes, frames: count } = decoder.decode(latentAt(LATENTS, at));
    return `${count} ${Buffer.from(toRgb(planes, count, planes.length / 3 / count)).toString('hex')}`;
  });
  decoder.release();
  return frames;
}

/** Tiles of 24 pixels every 16. */
const TILES: Tiling = { size: 3, stride: 2 };
const WAYS = [
  { how: 'whole pictures', model: TINY },
  { how: 'whole pictures, frames as on CUDA', model: WIDE },
  { how: 'tiles', model: TINY, tiling: TILES },
  { how: 'tiles, frames as on CUDA', model: WIDE, tiling: TILES },
];

test.each(WAYS)(
  'parts give the frames of one piece, bit for bit, wherever it is cut: $how',
  async ({ model, tiling }) => {
    const wanted = framesInOnePiece(model, tiling);
    expect(new Set(wanted).size).toBe(COUNT);
    const everywhere = vaeUnits(model.config).map((_, unit) => unit);
    for (const begins of [[0], [0, 9], [0, 3, 12], everywhere]) {
      const options = { ...SIZE, ...(tiling && { tiling }), parts: partsFrom(model, ...begins) };
      expect(await framesOf(model, LATENTS, options)).toEqual(wanted);
    }
  },
);

test.each(WAYS)('parts go on from kept latents with the same frames: $how', async ({ model, tiling }) => {
  const from = { next: 2, before: sliceLatents(LATENTS, 0, 2) };
  const options = { ...SIZE, ...(tiling && { tiling }), parts: partsFrom(model, 0, 5, 13), from };
  const resumed = await framesOf(model, sliceLatents(LATENTS, 2, 2), options);
  expect(resumed).toEqual(framesInOnePiece(model, tiling).slice(2));
});

test('parts that go on far behind the beginning start with no states but zeros', async () => {
  const next = 50;
  const before = { shape: [1, 16, 44, 2, 3], data: new Float32Array(16 * 44 * 6).map((_, at) => Math.sin(at)) };
  expect(replayStart(TINY.config, next)).toBe(6);
  const last = { shape: [1, 16, 1, 2, 3], data: new Float32Array(16 * 6).fill(0.5) };
  const options = { latentHeight: 2, latentWidth: 3, from: { next, before } };
  const whole = await framesOf(TINY, last, { ...options, parts: partsFrom(TINY, 0) });
  expect(whole[0]).toMatch(/^4 /);
  expect(await framesOf(TINY, last, { ...options, parts: partsFrom(TINY, 0, 7, 14) })).toEqual(whole);
});

test('a part that cannot be loaded ends all of them with its reason', async () => {
  const absent = { ...TINY, weights: { ...TINY.weights, folder: '/nowhere' } };
  await expect(openFrameDecoder(absent, { ...SIZE, parts: partsFrom(TINY, 0, 9) })).rejects.toMatchObject({
    code: 'E_DEVICE_RUNTIME',
  });
});

test('a stop in the middle ends parts that work, wait and hand over', async () => {
  const controller = new AbortController();
  const options = { ...SIZE, parts: partsFrom(TINY, 0, 4, 8, 12) };
  const decoder = await openFrameDecoder(TINY, options, controller.signal);
  const frames = decoder.decode(LATENTS);
  await frames.next();
  controller.abort(new Error('the user stopped it'));
  const rest = async () => {
    for (;;) if ((await frames.next()).done) return 'ended';
  };
  await expect(rest()).rejects.toThrow('the user stopped it');
  await decoder[Symbol.asyncDispose]();
});
