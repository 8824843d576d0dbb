import { join } from 'node:path';
import { decodeVideo, openDecoder } from '../../runner/decode/stream.ts';
import { parseVaeConfig } from '../../runner/model/component-configs.ts';
import { vaeDecoderTensors } from '../../runner/model/tensor-names.ts';
import { vaeChunkGraph } from '../../runner/model/vae-decoder.ts';
import { openModel } from '../../runner/weights/open-model.ts';
import { CONFIGS } from '../full-size/published-configs.ts';
import { judged, MOST_RELATIVE, relativeWithin } from './judge.ts';
import { deviceMegabytes, errors, load, more, timed } from './measure.ts';
import type { PartContext } from './part.ts';
import { pooled, randomWeights } from './random-numbers.ts';

const TINY = join(import.meta.dirname, '../../models/tiny');

/** The video decoder: the tiny model's pictures against the processor's, and a published decoder's time per latent. */
export async function run({ attempt, device, folder, small, kind }: PartContext): Promise<void> {
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
}
