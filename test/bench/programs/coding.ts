/** Decodes latents of noise as a film's are, and encodes a film's frames once more; says how long either takes. Standard input: what to code, as JSON. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { DecoderModel, DecoderOptions } from '../../../runner/decode/decoder.ts';
import { openFrameDecoder } from '../../../runner/decode/frames.ts';
import { toRgb } from '../../../runner/decode/pixels.ts';
import { openDecoder } from '../../../runner/decode/stream.ts';
import { fillNormals, STREAMS } from '../../../runner/diffusion/random.ts';
import { latentAt } from '../../../runner/latents.ts';
import { openBlockEncoder, type Picture } from '../../../runner/output/encoder.ts';
import { findFfmpeg } from '../../../runner/output/ffmpeg.ts';
import { readFrames } from '../../../runner/output/read-frames.ts';
import { FILM_FILE } from '../../../runner/output/survey.ts';
import { processorParts } from '../../../runner/plan/processor-parts.ts';
import { openStore } from '../../../runner/store/open.ts';
import { elementCount } from '../../../runner/tensor.ts';
import { openModel } from '../../../runner/weights/open-model.ts';
import { allDevices } from '../../gpu/devices.ts';
import { medianOf } from '../bench.ts';
import { openPlaneDecoder, type PlaneDecoder } from './plane-decoder.ts';

interface CodingTask {
  readonly device: 'cpu' | 'cuda';
  readonly model: string;
  readonly latentHeight: number;
  readonly latentWidth: number;
  readonly latents: number;
  readonly film: Picture & { readonly folder: string; readonly frames: number };
}

/** Middle times of a latent, by the clock and of all threads; and what the fastest tenth stays below, which nobody else on the machine disturbed. */
interface Milliseconds {
  readonly wall: number;
  readonly undisturbed: number;
  readonly processor: number;
}

/** What it says. */
export interface CodingReport {
  /** Of so many latents. */
  readonly decodeSeconds: number;
  readonly latent: Milliseconds;
  /** The same by the decoder as it was (`plane-decoder.ts`), latent by latent in turns; on the processor alone. */
  readonly latentBefore?: Milliseconds;
  readonly encodeSeconds: number;
}

/** Over the latents. */
const PASSES = 3;
/** Latents that are decoded in turns: enough for all parts of a decoder to be at work most of the time. */
const BLOCK = 16;
/** Pictures are in [−1, 1]; both decoders sum in float32, in another order. */
const MOST_DIFFERENCE = 1e-3;
/** Of a latent after a film's first. */
const FRAMES = 4;

/** Decodes blocks of latents as a film does, and by the decoder as it was, in turns, after one that does not count. */
async function decode({ device: kind, model, latentHeight, latentWidth, latents }: CodingTask) {
  const { config, vae } = openModel(model);
  const [device] = allDevices(kind);
  const ofModel = { config: config.vae, weights: vae };
  const shape = [1, config.vae.latentChannels, BLOCK, latentHeight, latentWidth];
  const block = { shape, data: new Float32Array(elementCount(shape)) };
  fillNormals(block.data, 1, STREAMS.noise, 0);
  const picture = { height: latentHeight, width: latentWidth };
  const units = processorParts(config.vae, picture, { decoding: 'float32' }, availableParallelism());
  const parts = kind === 'cpu' ? units.map((part) => ({ device, units: part })) : [{ device }];
  await using decoder = await openFrameDecoder(ofModel, { parts, latentHeight, latentWidth });
  const decoders = [() => Array.fromAsync(decoder.decode(block), ({ rgb }) => rgb)];
  using stack = new DisposableStack();
  if (kind === 'cpu') {
    const was = stack.adopt(openPlaneDecoder(ofModel, latentHeight, latentWidth), ({ release }) => release());
    checkAlike(ofModel, was, { device, latentHeight, latentWidth, continued: true }, latentAt(block, 0));
    decoders.push(async () => {
      const planes = Array.from({ length: BLOCK }, (_, at) => was.decode(latentAt(block, at)));
      return planes.map((each) => toRgb(each, FRAMES, each.length / 3 / FRAMES));
    });
  }
  for (const run of decoders) await run();
  const times = decoders.map(() => ({ wall: [] as number[], processor: [] as number[] }));
  for (let turn = 0; turn < (PASSES * latents) / BLOCK; turn++) {
    fillNormals(block.data, 1, STREAMS.noise, 1 + turn);
    for (const [side, run] of decoders.entries()) {
      const [started, spent] = [performance.now(), process.cpuUsage()];
      await run();
      const { user, system } = process.cpuUsage(spent);
      times[side]!.wall.push((performance.now() - started) / BLOCK);
      times[side]!.processor.push((user + system) / 1000 / BLOCK);
    }
  }
  const [latentNow, latentBefore] = times.map(({ wall, processor }) => {
    const undisturbed = wall.toSorted((x, y) => x - y)[Math.floor(wall.length / 10)]!;
    return { wall: medianOf(wall), undisturbed, processor: medianOf(processor) };
  });
  const mean = times[0]!.wall.reduce((sum, one) => sum + one, 0) / times[0]!.wall.length;
  const decodeSeconds = (mean * latents) / 1000;
  return { decodeSeconds, latent: latentNow!, ...(latentBefore === undefined ? {} : { latentBefore }) };
}

/** Throws where the two make other pictures of a latent. */
function checkAlike(model: DecoderModel, was: PlaneDecoder, options: DecoderOptions, latent: Float32Array): void {
  const decoder = openDecoder(model, options);
  const { planes } = decoder.decode(latent);
  const isOther = (value: number, at: number) => !(Math.abs(value - planes[at]!) <= MOST_DIFFERENCE);
  if (was.decode(latent).some(isOther)) throw new Error('the decoder as it was makes other pictures');
  decoder.release();
}

async function encode({ film }: CodingTask): Promise<number> {
  const ffmpeg = await findFfmpeg();
  const frames: Uint8Array[] = [];
  for await (const rgb of readFrames(ffmpeg, openStore(film.folder), FILM_FILE, film)) frames.push(rgb.slice());
  const started = performance.now();
  const encoder = openBlockEncoder(ffmpeg, film, frames.length);
  for (const rgb of frames) await encoder.write(rgb);
  await encoder.finish();
  return (performance.now() - started) / 1000;
}

const task = JSON.parse(readFileSync(0, 'utf8')) as CodingTask;
const report: CodingReport = { ...(await decode(task)), encodeSeconds: await encode(task) };
console.log(JSON.stringify(report));
