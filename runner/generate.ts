import { toErrorRecord } from '#contract/error.ts';
import type { JobSpec } from '#contract/job-spec.ts';
import type { Film } from '#contract/result.ts';
import { type BegunFilm, beginFilm, type FilmToBegin } from './begin-film.ts';
import { markedStore } from './checkpoint/realm.ts';
import { enter, fillFilm } from './fill-film.ts';
import { type LatentsFile, openLatentsFile } from './latents-file.ts';
import { earlierFilm } from './output/earlier-film.ts';
import { outputError } from './output/errors.ts';
import { findFfmpeg } from './output/ffmpeg.ts';
import { type FilmWriter, openFilm } from './output/film.ts';
import { filmIdentity } from './output/record.ts';
import { summaryOf } from './plan-job.ts';
import { attemptFolders } from './pod-folder.ts';
import { type GenerateExtras, type PreparedJob, prepare } from './prepare.ts';
import { type FilmMeasure, qualityRecord } from './quality/film-quality.ts';
import type { Made, RunnerIo } from './runner-io.ts';
import { openStore } from './store/open.ts';

/**
 * Makes one film, unless an earlier attempt has: plan, text, pipeline, decode, encode, publish. Finished blocks are decoded and encoded while later ones
 * denoise. Throws coded errors; what can be refused is refused before anything loads.
 */
export async function generate(
  spec: JobSpec,
  io: RunnerIo,
  extras: GenerateExtras,
  signal: AbortSignal,
): Promise<Made> {
  const { tracker } = io;
  const earlier = await madeEarlier(spec, io);
  if (earlier !== undefined) return { film: earlier };
  const job = await prepare(spec, extras, process.env, signal);
  tracker.plan(summaryOf(job.plan, job.memory), job.plan.frames);
  for (const warning of job.warnings) tracker.warn(warning);
  io.changed();
  const options = filmOptions(spec, extras.realm);
  await using film = await openFilm(
    {
      ...options,
      ffmpeg: await findFfmpeg(process.env, signal),
      precision: job.plan.precision,
      of: filmIdentity(spec, job.plan.precision, job.noiseDigest),
      overwrite: extras.overwrite,
      warn: tracker.warn,
      resumable: true,
    },
    signal,
  );
  const passedOver = new Set<string>();
  for (;;) {
    const begun = await beginFilm(film, options.store, { spec, job, extras, passedOver }, io);
    const made = await makeFrom(begun, { spec, job }, io, signal);
    if (made !== undefined) return made;
  }
}

/** Makes the film from where it was begun; undefined where that turns out to be damaged, and is passed over from now on. */
async function makeFrom(
  begun: BegunFilm,
  { spec, job }: Pick<FilmToBegin, 'spec' | 'job'>,
  io: RunnerIo,
  signal: AbortSignal,
): Promise<Made | undefined> {
  const { film } = begun;
  await using latents = openLatentsFile(job.latentsFile, spec.output.folder, job.plan);
  try {
    await fillFilm(begun, { spec, job, latents }, io, signal);
    const made = await publishFilm({ film, latents }, job, io);
    await begun.clear(io.tracker.warn);
    return made;
  } catch (error) {
    if (await begun.passOver(error)) return undefined;
    const partial = await film.keepFinished();
    if (partial !== undefined) io.kept(partial);
    throw error;
  }
}

/** An attempt whose end nobody has seen may have finished the film: then nothing needs to be made, nor a device to be had. */
async function madeEarlier(spec: JobSpec, { tracker, published }: RunnerIo): Promise<Film | undefined> {
  const { folder, earlier } = spec.output;
  // Without the list it is a person who asks, and wants the film made.
  const folders = earlier === undefined ? [] : await attemptFolders([folder, ...earlier], tracker.warn);
  const film = await earlierFilm(folders.map(openStore), filmIdentity(spec), tracker.warn);
  if (film === undefined) return undefined;
  tracker.warn(`an earlier attempt had finished this film, which is taken as it is: ${film.location}`);
  tracker.frames(film.frames);
  published(film);
  return film;
}

async function publishFilm(
  { film, latents }: { readonly film: FilmWriter; readonly latents: LatentsFile | undefined },
  { measure, plan }: Pick<PreparedJob, 'measure' | 'plan'>,
  io: RunnerIo,
): Promise<Made> {
  const { warn } = io.tracker;
  enter(io, 'Finishing');
  // A film is of all its frames or none: whatever has lost one is not hidden by what is left.
  if (film.framesReady !== plan.frames)
    throw outputError('E_OUTPUT_FRAMES', { what: 'the film', found: film.framesReady, wanted: plan.frames });
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

function filmOptions({ name, prompt, seed, size, fps, output, model, sampling }: JobSpec, realm: string | undefined) {
  const comment = JSON.stringify({ prompt, seed, model: model.ref, steps: sampling.steps, generator: 'dualparal' });
  const store = markedStore(openStore(output.folder), realm);
  return { store, picture: { ...size, fps }, title: name, comment };
}
