/**
 * A film in the making. Each block is encoded by one short ffmpeg while later blocks denoise, and is stored as soon as it is
 * complete; at the end the blocks are joined into one mp4. Until then they lie in `blocks/` of the store.
 */

import { toErrorRecord } from '#contract/error.ts';
import type { Film } from '#contract/result.ts';
import type { Store } from '../store/store.ts';
import { type BlockEncoder, openBlockEncoder, type Picture, TICKS_PER_FRAME } from './encoder.ts';
import { outputError } from './errors.ts';
import { type FilmFacts, filmFacts } from './facts.ts';
import type { Ffmpeg } from './ffmpeg.ts';
import { type Blocks, joinMp4 } from './mp4.ts';
import { CONTACT_SHEET, makeContactSheet, makePoster, POSTER } from './poster.ts';
import { placeMedia, type Segment } from './segment.ts';

export interface FilmOptions {
  readonly store: Store;
  readonly ffmpeg: Ffmpeg;
  readonly picture: Picture;
  /** Stand in the mp4 as its title and comment. */
  readonly title?: string | undefined;
  readonly comment?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface FilmWriter {
  /** Frames whose blocks are encoded and stored. */
  readonly framesReady: number;
  /** Starts the next block, `frames` frames long. The block before it must be finished. */
  openBlock(frames: number): BlockWriter;
  /**
   * Joins the blocks so far into `file`, checks what was written against what was sent, adds poster and contact sheet, and
   * clears the blocks away. At least one block must be finished.
   */
  publish(file?: string): Promise<PublishedFilm>;
}

export interface BlockWriter {
  /** Takes whole frames, RGB24; the buffer is free again once it resolves. */
  write(rgb: Uint8Array): Promise<void>;
  /** Encodes what is left and stores the block. */
  finish(): Promise<void>;
  /** Gives the block up. */
  cancel(): void;
}

/** The published film; `warnings` name the pictures beside it that could not be made. */
export interface PublishedFilm {
  readonly film: Film;
  readonly facts: FilmFacts;
  readonly warnings: readonly string[];
}

const FILM_FILE = 'video.mp4';
const INIT_FILE = 'blocks/init.mp4';
const blockFile = (index: number) => `blocks/${String(index).padStart(5, '0')}.m4s`;

/** Opens a film: proves that the store can be written, and clears away what an earlier, unfinished run left in `blocks/`. */
export async function openFilm(options: FilmOptions): Promise<FilmWriter> {
  const { store, ffmpeg, picture, signal } = options;
  await store.check();
  await clearBlocks(store);
  const state = { blocks: 0, fragments: 0, frames: 0, init: undefined as Uint8Array | undefined };

  async function add(segment: Segment, frames: number): Promise<void> {
    if (state.init === undefined) {
      await store.put(INIT_FILE, segment.init, signal);
      state.init = segment.init;
    } else if (Buffer.compare(state.init, segment.init) !== 0) {
      throw outputError('E_FFMPEG_CHANGED', { block: state.blocks, program: ffmpeg.version });
    }
    const fragments = placeMedia(segment.media, state.fragments + 1, state.frames * TICKS_PER_FRAME);
    await store.put(blockFile(state.blocks), segment.media, signal);
    state.blocks += 1;
    state.fragments += fragments;
    state.frames += frames;
  }

  return {
    get framesReady() {
      return state.frames;
    },
    openBlock(frames) {
      const encoder: BlockEncoder = openBlockEncoder(ffmpeg, picture, frames, signal);
      return {
        write: encoder.write,
        cancel: encoder.cancel,
        async finish() {
          await add(await encoder.finish(), frames);
        },
      };
    },
    async publish(file = FILM_FILE) {
      if (state.init === undefined)
        throw outputError('E_OUTPUT_FRAMES', { what: 'the film', found: 0, wanted: 'some' });
      const media = (index: number) => store.get(blockFile(index));
      const published = await publish(options, { init: state.init, count: state.blocks, media }, state.frames, file);
      await clearBlocks(store);
      return published;
    },
  };
}

async function clearBlocks(store: Store): Promise<void> {
  for (const name of await store.list('blocks/')) await store.remove(name);
}

async function publish(options: FilmOptions, blocks: Blocks, frames: number, file: string): Promise<PublishedFilm> {
  const { store, picture, title, comment, signal } = options;
  const { width, height, fps } = picture;
  const timescale = fps * TICKS_PER_FRAME;
  const mp4 = joinMp4(blocks, { width, height, timescale, ticksPerFrame: TICKS_PER_FRAME, title, comment });
  const { location, bytes, sha256 } = await store.put(file, mp4, signal);
  const source = { bytes: await store.size(file), read: store.read.bind(undefined, file) };
  const facts = await filmFacts(location, source);
  if (facts.frames !== frames || facts.seconds !== frames / fps) {
    throw outputError('E_OUTPUT_FRAMES', { what: location, found: facts.frames, wanted: frames });
  }
  const warnings = await addPictures(options, blocks, frames);
  const film = { location, file, frames, seconds: facts.seconds, bytes, sha256 };
  return { film: { ...film, width, height, fps, codec: facts.codec }, facts, warnings };
}

/** A film without its poster is still a film: what fails here is a warning. */
async function addPictures(options: FilmOptions, blocks: Blocks, frames: number): Promise<readonly string[]> {
  const { store, signal } = options;
  const warnings: string[] = [];
  for (const [file, make] of [[POSTER, makePoster] as const, [CONTACT_SHEET, makeContactSheet] as const]) {
    try {
      await store.put(file, await make(options.ffmpeg, options.picture, blocks, frames, signal), signal);
    } catch (error) {
      signal?.throwIfAborted();
      warnings.push(`no ${file}: ${toErrorRecord(error).message}`);
    }
  }
  return warnings;
}
