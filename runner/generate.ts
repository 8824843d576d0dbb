import { toErrorRecord } from '#contract/error.ts';
import { FRAMES_PER_LATENT, type JobSpec } from '#contract/job-spec.ts';
import type { Film, Quality } from '#contract/result.ts';
import { type FrameDecoder, openFrameDecoder } from './decode/frames.ts';
import { TILING } from './decode/tiles.ts';
import { type LatentsFile, openLatentsFile } from './latents-file.ts';
import { findFfmpeg } from './output/ffmpeg.ts';
import { type FilmWriter, openFilm } from './output/film.ts';
import { filmIdentity } from './output/record.ts';
import { openPipeline, type Pipeline } from './pipeline/driver.ts';
import type { FinishedBlock, PipelineEvent } from './pipeline/watch.ts';
import { summaryOf } from './plan-job.ts';
import { type GenerateExtras, type PreparedJob, prepare, promptsOf } from './prepare.ts';
import { type FilmMeasure, qualityRecord } from './quality/film-quality.ts';
import type { Lane, Tracker } from './report/tracker.ts';
import { openStore } from './store/open.ts';
import type { F32Tensor } from './tensor.ts';
import { encodePrompts } from './text/encode.ts';

/** Reads what each stage is doing; nothing while no pipeline runs. */
export interface LaneSource {
  read: () => readonly Lane[];
}

/** What a run has made; the quality is absent where it could not be measured. */
export interface Made {
  readonly film: Film;
  readonly quality?: Quality;
}

/** Who watches a run: `changed` is called when the phase or something worth showing at once has changed. */
export interface RunnerIo {
  readonly tracker: Tracker;
  readonly changed: () => void;
  readonly lanes: LaneSource;
  /** Called as soon as the film lies in its place: nothing that goes wrong later takes it back. */
  readonly published: (film: Film) => void;
  /** A run that fails or is stopped has kept the blocks that were finished as a film. */
  readonly kept: (partial: Film) => void;
}

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
  const job = await prepare(spec, extras, process.env);
  tracker.plan(summaryOf(job.plan), job.plan.frames);
  for (const warning of job.warnings) tracker.warn(warning);
  io.changed();
  const latents = openLatentsFile(job.latentsFile);
  await using film = await openFilm(
    {
      ...filmOptions(spec),
      ffmpeg: await findFfmpeg(process.env, signal),
      of: filmIdentity(spec, job.noiseDigest),
      overwrite: extras.overwrite,
      warn: tracker.warn,
    },
    signal,
  );
  try {
    await fillFilm({ film, latents }, spec, job, io, signal);
    return await publishFilm({ film, latents }, job.measure, io);
  } catch (error) {
    const partial = await film.keepFinished();
    if (partial !== undefined) io.kept(partial);
    throw error;
  }
}

/** Where a run's blocks go. */
interface Takers {
  readonly film: FilmWriter;
  readonly latents: LatentsFile | undefined;
}

/** Makes all blocks; no thread is left when it resolves or throws. */
async function fillFilm(
  takers: Takers,
  spec: JobSpec,
  job: PreparedJob,
  io: RunnerIo,
  signal: AbortSignal,
): Promise<void> {
  const { plan, model, devices, noise, patience } = job;
  const [conditional, unconditional = null] = await encode(spec, job, io, signal);
  enter(io, 'Loading');
  await using decoder = await openDecoder(spec, job, signal);
  const onEvent = (event: PipelineEvent) => note(event, io.tracker);
  const prompts = { conditional: conditional!, unconditional };
  const input = { plan, model, devices, ...prompts, noise, onEvent, options: { patience } };
  await using pipeline = await openPipeline(input, signal);
  io.lanes.read = pipeline.lanes;
  enter(io, 'Denoising');
  await addBlocks(pipeline, decoder, takers, io);
}

async function publishFilm({ film, latents }: Takers, measure: FilmMeasure, io: RunnerIo): Promise<Made> {
  const { warn } = io.tracker;
  enter(io, 'Finishing');
  const published = await film.publish();
  io.published(published.film);
  for (const warning of published.warnings) warn(warning);
  await latents?.write(warn);
  return { film: published.film, ...(await judgeStored(film, measure, warn)) };
}

/** Measures the film as it is stored. It is complete already: what fails here, a stop included, costs the figures alone. */
async function judgeStored(
  film: FilmWriter,
  measure: FilmMeasure,
  warn: (text: string) => void,
): Promise<Pick<Made, 'quality'>> {
  try {
    for await (const { rgb, opensBlock } of film.frames()) {
      if (opensBlock) measure.openBlock();
      measure.add(rgb);
    }
    return { quality: qualityRecord(measure.result()) };
  } catch (error) {
    warn(`the film is complete, but its quality was not measured: ${toErrorRecord(error).message}`);
    return {};
  }
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
  { model, devices, plan, patience, textCacheFolder: cacheFolder }: PreparedJob,
  io: RunnerIo,
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

/** Takes the blocks as they leave the queue; each is decoded and stored before the next one is taken. */
async function addBlocks(
  pipeline: Pipeline,
  decoder: FrameDecoder,
  { film, latents }: Takers,
  { tracker, changed }: RunnerIo,
): Promise<void> {
  for await (const block of pipeline.finishedBlocks()) {
    await addBlock(block, decoder, film);
    latents?.add(block.latents);
    tracker.frames(film.framesReady);
    changed();
  }
}

async function addBlock({ index, latents }: FinishedBlock, decoder: FrameDecoder, film: FilmWriter): Promise<void> {
  const count = latents.shape[2] ?? 0;
  const frames = count * FRAMES_PER_LATENT - (index === 0 ? FRAMES_PER_LATENT - 1 : 0);
  const block = film.openBlock(frames);
  try {
    for await (const { rgb } of decoder.decode(latents)) await block.write(rgb);
    await block.finish();
  } catch (error) {
    block.cancel();
    throw error;
  }
}
