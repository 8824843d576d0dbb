import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { toErrorRecord } from '#contract/error.ts';
import { openFrameDecoder } from '../../runner/decode/frames.ts';
import { allUnits } from '../../runner/model/vae-units.ts';
import type { Device } from '../../runner/ort/device.ts';
import { zeros } from '../../runner/tensor.ts';
import { openModel } from '../../runner/weights/open-model.ts';

/** What a process decodes on the stand-in, by the tiny model's decoder. */
export interface DecoderTask {
  /** First units of the parts, each on a device of its own. */
  readonly begins: readonly number[];
  readonly latents: number;
  readonly height: number;
  readonly width: number;
  readonly tiling?: { readonly size: number; readonly stride: number };
  /** So many latents are decoded again first. */
  readonly replayed?: number;
}

/** What it came to, as its last line of output. */
export interface DecoderEnd {
  readonly frames: readonly number[];
  readonly error: { readonly code: string; readonly message: string; readonly exit: string } | null;
}

async function decode({ begins, latents, height, width, tiling, replayed = 0 }: DecoderTask): Promise<DecoderEnd> {
  const { config, vae } = openModel(join(import.meta.dirname, '../../models/tiny'));
  const channels = config.vae.latentChannels;
  const { endUnit } = allUnits(config.vae);
  const parts = begins.map((firstUnit, index) => {
    const device: Device = { kind: 'cuda', index, name: `cuda:${index}` };
    return { device, units: { firstUnit, endUnit: begins[index + 1] ?? endUnit } };
  });
  const from = { next: replayed, before: replayed === 0 ? null : zeros([1, channels, replayed, height, width]) };
  const size = { latentHeight: height, latentWidth: width, ...(tiling && { tiling }) };
  await using decoder = await openFrameDecoder({ config: config.vae, weights: vae }, { parts, from, ...size });
  const log = process.env.STANDIN_CUDA_LOG;
  if (log !== undefined) appendFileSync(log, '- - part decoding\n');
  const block = zeros([1, channels, latents, height, width]);
  const frames = await Array.fromAsync(decoder.decode(block), ({ count }) => count);
  return { frames, error: null };
}

const end = (result: DecoderEnd) => process.stdout.write(`${JSON.stringify(result)}\n`);
try {
  end(await decode(JSON.parse(process.argv[2]!)));
} catch (error) {
  const { code, message, exit } = toErrorRecord(error);
  end({ frames: [], error: { code, message, exit } });
}
