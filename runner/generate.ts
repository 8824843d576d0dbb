import { writeFileSync } from 'node:fs';
import { defineErrors } from '#contract/error.ts';
import { FRAMES_PER_LATENT, type JobSpec } from '#contract/job-spec.ts';
import type { Film, Quality } from '#contract/result.ts';
import { type FrameDecoder, openFrameDecoder } from './decode/frames.ts';
import { TILING } from './decode/tiles.ts';
import { joinLatents } from './latents.ts';
import { findFfmpeg } from './output/ffmpeg.ts';
import { type FilmWriter, openFilm } from './output/film.ts';
import { openPipeline, type Pipeline } from './pipeline/driver.ts';
import type { FinishedBlock, PipelineEvent } from './pipeline/watch.ts';
import { summaryOf } from './plan-job.ts';
import { type GenerateExtras, type PreparedJob, prepare, promptsOf } from './prepare.ts';
import { type FilmMeasure, qualityRecord } from './quality/film-quality.ts';
import type { Lane, Tracker } from './report/tracker.ts';
import { openStore } from './store/open.ts';
import type { F32Tensor } from './tensor.ts';
import { encodePrompts } from './text/encode.ts';
import { safetensorsBytes } from './weights/write-tensors.ts';

/** Reads what each stage is doing; nothing while no pipeline runs. */
export interface LaneSource {
  read: () => readonly Lane[];
}

/** What a run has made. */
export interface Made {
  readonly film: Film;
  readonly quality: Quality;
}

/** Who watches a run: `changed` is called when the phase or something worth showing at once has changed. */
export interface RunnerIo {
  readonly tracker: Tracker;
  readonly changed: () => void;
  readonly lanes: LaneSource;
  /** Called as soon as the film lies in its place: nothing that goes wrong later takes it back. */
  readonly published: (film: Film) => void;
}

const generateError = defineErrors({
  E_LATENTS_FILE: { message: '--latents {file}: {reason}', fixer: 'user', exit: 'output' },
});

/**
 * Makes one film: plan, text, pipeline, decode, encode, publish. Finished blocks are decoded and encoded while later ones
 * denoise. Throws coded errors; what can be refused is refused before anything loads.
 */
export async function generate(
  spec: JobSpec,
  io: RunnerIo,
  extras: GenerateExtras,
  signal: AbortSignal,
): Promise<Made> {
  const { tracker } = io;
  const job = prepare(spec, extras, process.env);
  const { plan, noise, measure } = job;
  tracker.plan(summaryOf(plan), plan.frames);
  for (const warning of job.warnings) tracker.warn(warning);
  io.changed();
  const film = await openFilm({ ...filmOptions(spec), ffmpeg: await findFfmpeg(), signal });
  const [conditional, unconditional = null] = await encode(spec, job, io, extras.textCacheFolder, signal);
  enter(io, 'Loading');
  await using decoder = await openDecoder(spec, job, signal);
  const onEvent = (event: PipelineEvent) => note(event, tracker);
  const input = {
    plan,
    model: job.model,
    devices: job.devices,
    conditional: conditional!,
    unconditional,
    noise,
    onEvent,
    options: { patience: job.patience },
  };
  await using pipeline = await openPipeline(input, signal);
  io.lanes.read = pipeline.lanes;
  enter(io, 'Denoising');
  const latents: F32Tensor[] = [];
  const keep = (block: F32Tensor) => void (extras.latentsFile !== undefined && latents.push(block));
  await addBlocks(pipeline, decoder, { film, measure, keep }, io);
  enter(io, 'Finishing');
  if (extras.latentsFile !== undefined) writeLatents(extras.latentsFile, latents);
  const published = await film.publish();
  io.published(published.film);
  for (const warning of published.warnings) tracker.warn(warning);
  return { film: published.film, quality: qualityRecord(measure.result()) };
}

function enter(io: RunnerIo, phase: Parameters<Tracker['phase']>[0]): void {
  io.tracker.phase(phase);
  io.changed();
}

function note(event: PipelineEvent, tracker: Tracker): void {
  if (event.kind === 'blockStep') tracker.blockStep(event.done, event.iteration + 1);
  else if (event.kind === 'blockFinished') tracker.blockFinished(event.block + 1);
}

function filmOptions({ name, prompt, seed, size, fps, output, model, sampling }: JobSpec) {
  const comment = JSON.stringify({ prompt, seed, model: model.ref, steps: sampling.steps, generator: 'dualparal' });
  return { store: openStore(output.folder), picture: { ...size, fps }, title: name, comment };
}

/** One embedding per branch of the plan; the encoder is gone when this resolves. */
async function encode(
  spec: JobSpec,
  { model, devices, plan, patience }: PreparedJob,
  io: RunnerIo,
  cacheFolder: string | undefined,
  signal: AbortSignal,
): Promise<readonly F32Tensor[]> {
  enter(io, 'Encoding');
  const text = { config: model.config.text, weights: model.text, tokenizerFolder: model.tokenizerFolder };
  const options = {
    maxSequenceLength: plan.sampling.textTokens,
    device: devices[0]!,
    patience,
    ...(cacheFolder === undefined ? {} : { cacheFolder }),
  };
  const { embeddings, warnings } = await encodePrompts(text, promptsOf(spec, plan), options, signal);
  for (const warning of warnings) io.tracker.warn(warning);
  return embeddings;
}

/** The decoder shares the last stage's device. */
function openDecoder(
  { decoding }: JobSpec,
  { model, devices, plan, patience }: PreparedJob,
  signal: AbortSignal,
): Promise<FrameDecoder> {
  const { latentHeight, latentWidth, stages } = plan;
  const device = devices[stages.length - 1]!;
  return openFrameDecoder(
    { config: model.config.vae, weights: model.vae },
    { device, latentHeight, latentWidth, patience, ...(decoding.tiling ? { tiling: TILING } : {}) },
    signal,
  );
}

/** Where frames go. */
interface FrameTakers {
  readonly film: FilmWriter;
  readonly measure: FilmMeasure;
  /** Takes the latents, which nobody else keeps: a long film's are many. */
  readonly keep: (latents: F32Tensor) => void;
}

/** Takes the blocks as they leave the queue; each is decoded and stored before the next one is taken. */
async function addBlocks(
  pipeline: Pipeline,
  decoder: FrameDecoder,
  takers: FrameTakers,
  { tracker, changed }: RunnerIo,
): Promise<void> {
  for await (const block of pipeline.finishedBlocks()) {
    await addBlock(block, decoder, takers);
    takers.keep(block.latents);
    tracker.frames(takers.film.framesReady);
    changed();
  }
}

async function addBlock(
  { index, latents }: FinishedBlock,
  decoder: FrameDecoder,
  { film, measure }: FrameTakers,
): Promise<void> {
  const count = latents.shape[2] ?? 0;
  const frames = count * FRAMES_PER_LATENT - (index === 0 ? FRAMES_PER_LATENT - 1 : 0);
  const block = film.openBlock(frames);
  measure.openBlock();
  try {
    for await (const { rgb } of decoder.decode(latents)) {
      measure.add(rgb);
      await block.write(rgb);
    }
    await block.finish();
  } catch (error) {
    block.cancel();
    throw error;
  }
}

function writeLatents(file: string, latents: readonly F32Tensor[]): void {
  try {
    writeFileSync(file, safetensorsBytes(new Map([['latents', joinLatents(latents)]])));
  } catch (error) {
    throw generateError('E_LATENTS_FILE', { file, reason: (error as Error).message }, error);
  }
}
