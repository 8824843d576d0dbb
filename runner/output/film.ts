/**
 * A film in the making. Each block is encoded by one short ffmpeg while later blocks denoise, and is stored as soon as it is
 * complete; at the end the blocks are joined into one mp4. Until then they lie in `blocks/` of the store, under a name of this
 * run, and the store is locked.
 */

import { CodedError, toErrorRecord } from '#contract/error.ts';
import type { Film } from '#contract/result.ts';
import type { Claim } from '../store/claim.ts';
import { digestOf } from '../store/digest.ts';
import { heldStore } from '../store/held.ts';
import { type Lock, takeLock } from '../store/lock.ts';
import type { Store } from '../store/store.ts';
import { openBlockEncoder, TICKS_PER_FRAME } from './encoder.ts';
import { outputError } from './errors.ts';
import { createPatience } from './patience.ts';
import { announced, type JoinOptions, joinFilm, type PublishedFilm, publishFilm } from './publish.ts';
import { readFrames } from './read-frames.ts';
import { differences, RECORD_FILE, recordBytes } from './record.ts';
import { placeMedia, type Segment } from './segment.ts';
import { type BlockEntries, blocksFolder, clearBlocks, RESUMABLE_BLOCKS, storeBlocks } from './stored-blocks.ts';
import { CHECKPOINT_FOLDER, FILM_FILE, PARTIAL_FILE, surveyOutput } from './survey.ts';

export interface FilmOptions extends JoinOptions {
  /** All that the film's pictures depend on (`filmIdentity`): a film of something else is not replaced. */
  readonly of?: unknown;
  /** Lets the film of another spec, and files that are not ours, be replaced. */
  readonly overwrite?: boolean | undefined;
  readonly warn?: ((text: string) => void) | undefined;
  /** A later run may go on with this one: its blocks lie below a name that the later one knows. */
  readonly resumable?: boolean | undefined;
}

export interface FilmWriter {
  /** Frames whose blocks are encoded and stored. */
  readonly framesReady: number;
  /**
   * Takes over the leading blocks that an earlier run of the film has left as they were stored, before any block is opened; gives how many
   * they are. Without any to look for, what lies there goes; else it stays until it is written anew. May be done again with what a still
   * earlier run has left: what was stored since counts no more.
   */
  adopt(entries: BlockEntries | undefined): Promise<number>;
  /** The blocks that are stored. */
  entries(): BlockEntries;
  /** From now on the blocks stay where they are when the run ends before the film is published: a later one can go on with them. */
  leaveBlocks(): void;
  /** Throws `E_STORE_LOST` where another run has taken the store over. */
  checkHeld(): Promise<void>;
  /** Starts the next block, `frames` frames long. The block before it must be finished. */
  openBlock(frames: number): BlockWriter;
  /**
   * Joins the blocks into the film, checks what was written against what was sent, adds poster, contact sheet and record, and
   * clears the blocks away. At least one block must be finished. A stop does not interrupt it: the film is as good as made.
   */
  publish(): Promise<PublishedFilm>;
  /** The published film's frames, as they are stored; `opensBlock` at the first frame of each block. */
  frames(): AsyncGenerator<{ readonly rgb: Uint8Array; readonly opensBlock: boolean }>;
  /**
   * For a run that ends before its time: joins the finished blocks into `partial.mp4`. Undefined where there is nothing to keep
   * or the film is published. Never throws: blocks that cannot be joined stay where they are, which `warn` says.
   */
  keepFinished(): Promise<Film | undefined>;
  /** Gives the store back, without the blocks that are in a film. Must be called whatever has happened. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface BlockWriter {
  /** Takes whole frames, RGB24; the buffer is free again once it resolves. */
  write(rgb: Uint8Array): Promise<void>;
  /** Encodes what is left and stores the block. */
  finish(): Promise<void>;
  /** Gives the block up. */
  cancel(): void;
}

/** Longest time for joining a film that is not complete: well within what a cluster gives a pod to end. */
const PARTIAL_MILLISECONDS = 30_000;

/**
 * Opens a film: takes the store for this run, and refuses what stands in its way there. Throws `E_STORE_…` and `E_OUTPUT_…`
 * errors. What a dead run of the same film left is cleared away.
 */
export async function openFilm(options: FilmOptions, signal?: AbortSignal): Promise<FilmWriter> {
  const { store, title = 'film', warn } = options;
  await store.check();
  // As it will be read from a record.
  const of = JSON.parse(JSON.stringify(options.of ?? null)) as unknown;
  const lock = await takeLock(store, { film: title, of, warn }, signal);
  try {
    const earlier = await surveyOutput(store, of, lock.dead, options.overwrite === true);
    const killed = lock.dead.filter((claim) => claim.ended !== true && differences(claim.of, of).length === 0);
    await clearDead(store, lock, killed);
    return writer({ ...options, store: heldStore(store, lock.check) }, { of, lock, earlier }, signal);
  } catch (error) {
    await lock.release().catch(() => undefined);
    throw error;
  }
}

/** A store that is held for a film, and what an earlier run of it left there. */
interface Held {
  readonly of: unknown;
  readonly lock: Lock;
  readonly earlier: Awaited<ReturnType<typeof surveyOutput>>;
}

function writer(options: FilmOptions, { of, lock, earlier }: Held, signal: AbortSignal | undefined): FilmWriter {
  const { store, ffmpeg, picture, warn } = options;
  const blocks = storeBlocks(store, options.resumable === true ? RESUMABLE_BLOCKS : store.attempt);
  const patience = createPatience();
  const counts: number[] = [];
  const state = {
    fragments: 0,
    frames: 0,
    init: undefined as Uint8Array | undefined,
    isPublished: false,
    isResumable: options.resumable === true,
    leaves: false,
  };

  async function add(segment: Segment, frames: number): Promise<void> {
    if (state.init !== undefined && Buffer.compare(state.init, segment.init) !== 0) {
      throw outputError('E_FFMPEG_CHANGED', { block: counts.length, program: ffmpeg.version });
    }
    await lock.check();
    const fragments = placeMedia(segment.media, state.fragments + 1, state.frames * TICKS_PER_FRAME);
    await blocks.add(segment.init, segment.media, { frames, fragments }, signal);
    state.init = segment.init;
    state.fragments += fragments;
    state.frames += frames;
    counts.push(frames);
  }

  return {
    get framesReady() {
      return state.frames;
    },
    async adopt(entries) {
      if (entries === undefined) await blocks.clear();
      // Blocks of another encoder cannot be joined with those to come.
      const usable = entries?.encoder === ffmpeg.version ? entries : { encoder: '', init: null, blocks: [] };
      const adopted = await blocks.adopt(usable);
      state.init = adopted.init;
      state.fragments = 0;
      state.frames = 0;
      counts.length = 0;
      for (const { frames, fragments } of adopted.blocks) {
        state.fragments += fragments;
        state.frames += frames;
        counts.push(frames);
      }
      state.isResumable = adopted.blocks.length > 0;
      return adopted.blocks.length;
    },
    entries: () => ({ encoder: ffmpeg.version, ...blocks.entries() }),
    leaveBlocks() {
      state.isResumable = true;
    },
    checkHeld: lock.check,
    openBlock(frames) {
      const encoder = openBlockEncoder(ffmpeg, picture, frames, patience, signal);
      return {
        write: encoder.write,
        cancel: encoder.cancel,
        async finish() {
          await add(await encoder.finish(), frames);
        },
      };
    },
    async publish() {
      if (counts.length === 0) throw outputError('E_OUTPUT_FRAMES', { what: 'the film', found: 0, wanted: 'some' });
      await lock.check();
      try {
        const published = await publishFilm(
          options,
          { of, earlier, blocks: blocks.read(), frames: state.frames },
          signal,
        );
        state.isPublished = true;
        if (earlier !== undefined) await store.remove(PARTIAL_FILE);
        await clearDead(store, lock, lock.dead);
        return published;
      } catch (error) {
        state.leaves = !state.isPublished;
        throw fullError(error, store, blocks.folder, state.frames);
      }
    },
    async *frames() {
      const starts = new Set(counts.map((_, i) => counts.slice(0, i).reduce((sum, count) => sum + count, 0)));
      let index = 0;
      for await (const rgb of readFrames(ffmpeg, store, FILM_FILE, picture, signal)) {
        yield { rgb, opensBlock: starts.has(index++) };
      }
      if (index !== state.frames) {
        throw outputError('E_OUTPUT_FRAMES', { what: FILM_FILE, found: index, wanted: state.frames });
      }
    },
    async keepFinished() {
      if (counts.length === 0 || state.isPublished || state.leaves) return undefined;
      // An earlier run of the same film may have come farther.
      const before = earlier?.partial;
      try {
        await lock.check();
        if (before !== undefined && before.frames >= state.frames && (await standsAs(store, before))) {
          return { ...before, location: `${store.location}/${PARTIAL_FILE}` };
        }
        const deadline = AbortSignal.timeout(PARTIAL_MILLISECONDS);
        const { film } = await announced(store, { of, earlier }, () =>
          joinFilm(options, blocks.read(), state.frames, PARTIAL_FILE, deadline),
        );
        const files = { ...earlier?.files, [PARTIAL_FILE]: film.sha256 };
        await store.put(RECORD_FILE, recordBytes({ generator: 'dualparal', ...earlier, of, partial: film, files }));
        return film;
      } catch (error) {
        state.leaves = true;
        const { message } = toErrorRecord(fullError(error, store, blocks.folder, state.frames));
        warn?.(
          `the ${state.frames} finished frames could not be joined and stay in ${store.location}/${blocks.folder}: ${message}`,
        );
        return undefined;
      }
    },
    async [Symbol.asyncDispose]() {
      const stays = state.leaves || (state.isResumable && !state.isPublished);
      const tidied = await Promise.allSettled(stays ? [] : [blocks.clear()]);
      const released = await Promise.allSettled([lock.release(state.leaves)]);
      for (const end of [...tidied, ...released]) {
        if (end.status === 'fulfilled') continue;
        warn?.(`the output folder could not be put in order: ${toErrorRecord(end.reason).message}`);
      }
    },
  };
}

/** Whether a partial film of an earlier run is still there, as it was stored. */
async function standsAs(store: Store, { file, bytes, sha256 }: Film): Promise<boolean> {
  const found = await store.look(file);
  if (typeof found === 'string' || found.bytes !== bytes) return false;
  return (await digestOf(store, file)) === sha256;
}

/** Removes what dead runs left, and then their claims. */
async function clearDead(store: Store, lock: Lock, dead: readonly Claim[]): Promise<void> {
  for (const { attempt } of dead) {
    await clearBlocks(store, attempt);
    for (const folder of ['', blocksFolder(RESUMABLE_BLOCKS), CHECKPOINT_FOLDER]) {
      await store.removeUnfinished(attempt, folder);
    }
  }
  await lock.forget(dead);
}

/** A full disk at the join, with what is kept and how to go on. */
function fullError(error: unknown, store: Store, folder: string, frames: number): unknown {
  if (!(error instanceof CodedError) || error.code !== 'E_STORE_FULL') return error;
  const blocks = `${store.location}/${folder.replace(/\/$/, '')}`;
  return outputError('E_OUTPUT_FULL', { path: store.location, blocks, frames }, error);
}
