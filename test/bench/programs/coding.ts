/** Decodes latents of noise with a model's decoder, and encodes a film's frames once more; says how long either takes. Standard input: what to code, as JSON. */
import { readFileSync } from 'node:fs';
import { openDecoder } from '../../../runner/decode/stream.ts';
import { fillNormals, STREAMS } from '../../../runner/diffusion/random.ts';
import { openBlockEncoder, type Picture } from '../../../runner/output/encoder.ts';
import { findFfmpeg } from '../../../runner/output/ffmpeg.ts';
import { readFrames } from '../../../runner/output/read-frames.ts';
import { FILM_FILE } from '../../../runner/output/survey.ts';
import { openStore } from '../../../runner/store/open.ts';
import { openModel } from '../../../runner/weights/open-model.ts';
import { allDevices } from '../../gpu/devices.ts';
import { medianOf } from '../bench.ts';
import { openPlaneDecoder } from './plane-decoder.ts';

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
/** Pictures are in [−1, 1]; both decoders sum in float32, in another order. */
const MOST_DIFFERENCE = 1e-3;

/** Decodes the latents by each decoder, latent by latent in turns, after one that does not count but must come out alike. */
function decode({ device: kind, model, latentHeight, latentWidth, latents }: CodingTask) {
  const { config, vae } = openModel(model);
  const [device] = allDevices(kind);
  const parts = { config: config.vae, weights: vae };
  const latent = new Float32Array(config.vae.latentChannels * latentHeight * latentWidth);
  fillNormals(latent, 1, STREAMS.noise, 0);
  using stack = new DisposableStack();
  const release = (each: { release(): void }) => each.release();
  const options = { device, latentHeight, latentWidth, continued: true };
  const decoder = stack.adopt(openDecoder(parts, options), release);
  const decoders = [() => decoder.decode(latent).planes];
  if (kind === 'cpu') {
    const before = stack.adopt(openPlaneDecoder(parts, latentHeight, latentWidth), release);
    decoders.push(() => before.decode(latent));
  }
  const [ours, theirs] = decoders.map((run) => run());
  const isOther = (value: number, at: number) => !(Math.abs(value - ours![at]!) <= MOST_DIFFERENCE);
  if (theirs?.some(isOther)) throw new Error('the decoder as it was makes other pictures');
  const times = decoders.map(() => ({ wall: [] as number[], processor: [] as number[] }));
  for (let at = 0; at < PASSES * latents; at++) {
    fillNormals(latent, 1, STREAMS.noise, 1 + (at % latents));
    for (const [side, run] of decoders.entries()) {
      const [started, spent] = [performance.now(), process.cpuUsage()];
      run();
      const { user, system } = process.cpuUsage(spent);
      times[side]!.wall.push(performance.now() - started);
      times[side]!.processor.push((user + system) / 1000);
    }
  }
  const [latentNow, latentBefore] = times.map(({ wall, processor }) => {
    const undisturbed = wall.toSorted((a, b) => a - b)[Math.floor(wall.length / 10)]!;
    return { wall: medianOf(wall), undisturbed, processor: medianOf(processor) };
  });
  const seconds = times[0]!.wall.reduce((sum, one) => sum + one, 0) / 1000 / PASSES;
  return { decodeSeconds: seconds, latent: latentNow!, ...(latentBefore === undefined ? {} : { latentBefore }) };
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
const report: CodingReport = { ...decode(task), encodeSeconds: await encode(task) };
console.log(JSON.stringify(report));
