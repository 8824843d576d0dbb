import { toErrorRecord } from '#contract/error.ts';
import type { Film, FilmPrecision } from '#contract/result.ts';
import { digestOf } from '../store/digest.ts';
import type { Store } from '../store/store.ts';
import { type Picture, TICKS_PER_FRAME } from './encoder.ts';
import { outputError } from './errors.ts';
import { type FilmFacts, filmFacts } from './facts.ts';
import type { Ffmpeg } from './ffmpeg.ts';
import { type Blocks, joinMp4 } from './mp4.ts';
import { CONTACT_SHEET, makeContactSheet, makePoster, POSTER } from './poster.ts';
import { type FilmRecord, RECORD_FILE, recordBytes } from './record.ts';
import { FILM_FILE, PARTIAL_FILE } from './survey.ts';

/** Where a film goes, and how. */
export interface JoinOptions {
  readonly store: Store;
  readonly ffmpeg: Ffmpeg;
  readonly picture: Picture;
  /** Stand in the mp4 as its title and comment. */
  readonly title?: string | undefined;
  readonly comment?: string | undefined;
  /** What the pictures were computed in, for the film's record. */
  readonly precision?: FilmPrecision | undefined;
}

/** The published film; `warnings` name the files beside it that could not be made. */
export interface PublishedFilm {
  readonly film: Film;
  readonly facts: FilmFacts;
  readonly warnings: readonly string[];
}

/** What is published: the blocks, what the film is made of, and the record of an earlier run of the same film. */
export interface ToPublish {
  readonly of: unknown;
  readonly earlier: FilmRecord | undefined;
  readonly blocks: Blocks;
  readonly frames: number;
}

/**
 * Writes film, pictures and record. The record is written before the film, too: a run that is killed in between leaves files
 * that the next one knows to be ours.
 */
export async function publishFilm(options: JoinOptions, what: ToPublish, signal?: AbortSignal): Promise<PublishedFilm> {
  const { store } = options;
  const { of, earlier, blocks, frames } = what;
  const { film, facts } = await announced(store, what, () => joinFilm(options, blocks, frames, FILM_FILE));
  const { files, warnings } = await addPictures(options, blocks, frames, signal);
  const record: FilmRecord = {
    ...{ generator: 'dualparal', of, film },
    files: { ...(earlier && (await partialIn(store))), ...files, [FILM_FILE]: film.sha256 },
  };
  const failure = await store.put(RECORD_FILE, recordBytes(record)).catch((error: unknown) => error);
  const more = failure instanceof Error ? [`no ${RECORD_FILE}: ${toErrorRecord(failure).message}`] : [];
  return { film, facts, warnings: [...warnings, ...more] };
}

/** Writes files of ours once a record says that they are being written, so that whatever ends the run the next one knows them. */
export async function announced<T>(
  store: Store,
  { of, earlier }: Pick<ToPublish, 'of' | 'earlier'>,
  write: () => Promise<T>,
): Promise<T> {
  const begun: FilmRecord = { generator: 'dualparal', ...earlier, of, files: earlier?.files ?? {}, publishing: true };
  await store.put(RECORD_FILE, recordBytes(begun));
  return write().catch(async (error: unknown) => {
    // As if nothing had been tried; where even this fails, the next run knows our files by the record that stands there.
    const back = earlier === undefined ? store.remove(RECORD_FILE) : store.put(RECORD_FILE, recordBytes(earlier));
    await back.catch(() => undefined);
    throw error;
  });
}

/** What an earlier run has kept of the film is known for as long as it is there: nobody can say when its removal has reached the disk. */
async function partialIn(store: Store): Promise<Readonly<Record<string, string>>> {
  const digest = await digestOf(store, PARTIAL_FILE).catch(() => undefined);
  return digest === undefined ? {} : { [PARTIAL_FILE]: digest };
}

/** Joins blocks into `file` and reads back what it says of itself. */
export async function joinFilm(
  { store, picture, title, comment, precision }: JoinOptions,
  blocks: Blocks,
  frames: number,
  file: string,
  signal?: AbortSignal,
): Promise<{ readonly film: Film; readonly facts: FilmFacts }> {
  const { width, height, fps } = picture;
  const timescale = fps * TICKS_PER_FRAME;
  const mp4 = joinMp4(blocks, { width, height, timescale, ticksPerFrame: TICKS_PER_FRAME, title, comment });
  const { location, bytes, sha256 } = await store.put(file, mp4, signal);
  const facts = await filmFacts(location, { bytes, read: store.read.bind(undefined, file) });
  if (facts.bytes !== bytes || facts.frames !== frames || facts.seconds !== frames / fps) {
    throw outputError('E_OUTPUT_FRAMES', { what: location, found: facts.frames, wanted: frames });
  }
  const film = { location, file, frames, seconds: facts.seconds, bytes, sha256 };
  const computed = precision === undefined ? {} : { precision };
  return { film: { ...film, width, height, fps, codec: facts.codec, ...computed }, facts };
}

/** A film without its poster is still a film: what fails here, a stop included, is a warning. */
async function addPictures(options: JoinOptions, blocks: Blocks, frames: number, signal?: AbortSignal) {
  const { store } = options;
  const warnings: string[] = [];
  const files: Record<string, string> = {};
  for (const [file, make] of [[POSTER, makePoster] as const, [CONTACT_SHEET, makeContactSheet] as const]) {
    try {
      const picture = await make(options.ffmpeg, options.picture, blocks, frames, signal);
      files[file] = (await store.put(file, picture)).sha256;
    } catch (error) {
      const reason = signal?.aborted ? 'the run was told to stop' : toErrorRecord(error).message;
      warnings.push(`no ${file}: ${reason}`);
    }
  }
  return { files, warnings };
}
