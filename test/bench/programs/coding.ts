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

interface CodingTask {
  readonly device: 'cpu' | 'cuda';
  readonly model: string;
  readonly latentHeight: number;
  readonly latentWidth: number;
  readonly latents: number;
  readonly film: Picture & { readonly folder: string; readonly frames: number };
}

/** What it says. */
export interface CodingReport {
  /** For so many latents after one that does not count. */
  readonly decodeSeconds: number;
  readonly encodeSeconds: number;
}

function decode({ device: kind, model, latentHeight, latentWidth, latents }: CodingTask): number {
  const { config, vae } = openModel(model);
  const [device] = allDevices(kind);
  const decoder = openDecoder({ config: config.vae, weights: vae }, { device, latentHeight, latentWidth });
  const latent = new Float32Array(config.vae.latentChannels * latentHeight * latentWidth);
  let started = 0;
  for (let at = 0; at <= latents; at++) {
    fillNormals(latent, 1, STREAMS.noise, at);
    if (at === 1) started = performance.now();
    decoder.decode(latent);
  }
  const seconds = (performance.now() - started) / 1000;
  decoder.release();
  return seconds;
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
const report: CodingReport = { decodeSeconds: decode(task), encodeSeconds: await encode(task) };
console.log(JSON.stringify(report));
