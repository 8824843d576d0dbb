import { join } from 'node:path';
import type { DecoderModel } from '../../runner/decode/decoder.ts';
import { openFrameDecoder, type PlacedPart } from '../../runner/decode/frames.ts';
import { decodeVideo, openDecoder } from '../../runner/decode/stream.ts';
import { parseVaeConfig } from '../../runner/model/component-configs.ts';
import type { VaeConfig } from '../../runner/model/config.ts';
import { vaeDecoderTensors } from '../../runner/model/tensor-names.ts';
import { vaeChunkGraph } from '../../runner/model/vae-decoder.ts';
import type { Device } from '../../runner/ort/device.ts';
import { decoderWork } from '../../runner/plan/work.ts';
import type { F32Tensor } from '../../runner/tensor.ts';
import { openModel } from '../../runner/weights/open-model.ts';
import { CONFIGS } from '../full-size/published-configs.ts';
import { judged, MOST_RELATIVE, relativeWithin, sameBits } from './judge.ts';
import { deviceMegabytes, errors, load, more, timed } from './measure.ts';
import type { PartContext } from './part.ts';
import { pooled, randomWeights } from './random-numbers.ts';

const TINY = join(import.meta.dirname, '../../models/tiny');

/** The video decoder: the tiny model's pictures against the processor's, and a published decoder's time per latent. */
export async function run({ attempt, device, layouts, folder, small, kind }: PartContext): Promise<void> {
  await attempt('pictures of the tiny model, 4 latents of 12 × 12', () => {
    const { config, vae } = openModel(TINY);
    const latents = { shape: [1, 16, 4, 12, 12], data: pooled(16 * 4 * 144, 3) };
    const frames = [{ kind: 'cpu', index: 0, name: 'cpu:0' } as const, device()].map((where) => {
      const decoder = openDecoder(
        { config: config.vae, weights: vae },
        { device: where, latentHeight: 12, latentWidth: 12 },
      );
      const video = decodeVideo(decoder, latents);
      decoder.release();
      return video.data;
    });
    const found = errors(frames[1]!, frames[0]!);
    return { ...found, ...judged(relativeWithin(found, MOST_RELATIVE.pictures.F32)) };
  });
  const tiny = openModel(TINY);
  const model = { config: tiny.config.vae, weights: tiny.vae };
  const block = { shape: [1, 16, 4, 12, 12], data: pooled(16 * 4 * 144, 3) };
  for (const count of [2, 4]) {
    for (const { name, devices } of layouts(count)) {
      await attempt(`pictures of the tiny model in ${count} parts on ${name}`, async () => {
        const one = await framesOf(model, block, [{ device: devices[0]! }]);
        const { frames } = await framesOf(model, block, partsOn(model.config, devices));
        return { ...judged(sameBits(frames.equals(one.frames), 'in one piece')) };
      });
    }
  }
  const vae = parseVaeConfig(CONFIGS['Wan2.1-T2V-1.3B']['vae/config.json']);
  const weights = randomWeights(folder, 'vae', vaeDecoderTensors(vae), 'F32');
  const sizes = small
    ? [[4, 4]]
    : [
        [12, 20],
        [60, 104],
      ];
  for (const [height, width] of sizes as [number, number][]) {
    for (const dtype of ['F32', 'F16'] as const) {
      await attempt(`Wan 2.1's decoder in ${dtype}, latents of ${height} × ${width}`, () => {
        const graph = vaeChunkGraph(vae, weights.tensors, { kind: 'steady', height, width, attention: kind, dtype });
        const before = deviceMegabytes(device());
        const started = performance.now();
        const { binding, release } = load(graph, { device: device(), weightsFolder: weights.folder, lengths: {} });
        const loadMilliseconds = performance.now() - started;
        binding.run();
        const firstMilliseconds = performance.now() - started - loadMilliseconds;
        const times = timed(() => binding.run(), 3);
        const megabytes = more(before, deviceMegabytes(device()));
        release();
        return { loadMilliseconds, firstMilliseconds, ...times, megabytes, weightBytes: graph.weightBytes };
      });
    }
  }
  for (const { devices } of layouts(4).filter(({ name }) => name === 'several devices')) {
    const [height, width] = small ? [4, 4] : [60, 104];
    await attempt(
      `Wan 2.1's decoder in F32 on ${devices.length} devices, latents of ${height} × ${width}`,
      async () => {
        const latents = { shape: [1, 16, LATENTS, height, width], data: pooled(16 * LATENTS * height * width, 5) };
        const one = await framesOf({ config: vae, weights }, latents, [{ device: devices[0]! }]);
        const parted = await framesOf({ config: vae, weights }, latents, partsOn(vae, devices));
        const seconds = { inOnePiece: one.secondsPerLatent, inParts: parted.secondsPerLatent };
        return { ...seconds, ...judged(sameBits(parted.frames.equals(one.frames), 'in one piece')) };
      },
    );
  }
}

/** Latents of a block that is decoded to see how fast parts are once all are at work. */
const LATENTS = 12;

/** The decoder cut into as many parts as there are devices, each of about the same work. */
function partsOn(config: VaeConfig, devices: readonly Device[]): readonly PlacedPart[] {
  const work = decoderWork(config, 12, 20);
  const total = work.reduce((sum, unit) => sum + unit, 0);
  let done = 0;
  const partOf = work.map((unit) => {
    done += unit;
    return Math.min(devices.length - 1, Math.floor(((done - unit / 2) / total) * devices.length));
  });
  return devices.map((device, part) => {
    const units = { firstUnit: partOf.indexOf(part), endUnit: partOf.lastIndexOf(part) + 1 };
    return { device, units };
  });
}

/** Frames of a block by a decoder in parts, and how long a latent takes once the first one is there. */
async function framesOf(model: DecoderModel, latents: F32Tensor, parts: readonly PlacedPart[]) {
  const [, , count, latentHeight, latentWidth] = latents.shape as [number, number, number, number, number];
  await using decoder = await openFrameDecoder(model, { parts, latentHeight, latentWidth });
  const all: Uint8Array[] = [];
  let started = 0;
  for await (const { rgb } of decoder.decode(latents)) {
    if (all.length === 0) started = performance.now();
    all.push(rgb);
  }
  return { frames: Buffer.concat(all), secondsPerLatent: (performance.now() - started) / 1000 / (count - 1) };
}
