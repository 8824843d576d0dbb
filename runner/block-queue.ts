import { FRAMES_PER_LATENT } from '#contract/job-spec.ts';
import type { Frames } from './decode/decode-worker.ts';
import type { FrameDecoder } from './decode/frames.ts';
import type { FilmWriter } from './output/film.ts';
import type { FinishedBlock } from './pipeline/watch.ts';
import { createPatience, LOOK_EVERY_MILLISECONDS, PATIENCE, type PatienceSettings } from './thread/patience.ts';

/** Decodes blocks and stores them in the film, in order, each while those behind it are decoded: no part of the decoder waits for the end of a block. */
export interface BlockQueue {
  /** Begins to decode a block. Resolves once another one may come; throws why an earlier one could not be stored. */
  add(block: FinishedBlock): Promise<void>;
  /** Aborts with why a block could not be stored. No promise: whoever waits for each block and for it would leave each block at it. */
  readonly failed: AbortSignal;
  /** Resolves once all blocks are stored; throws why one could not be. */
  finish(): Promise<void>;
  /**
   * Resolves once nothing is written any more, whatever has come of it; after a failure elsewhere also once no frame has come for longer than one
   * may take: what has failed may hold the decoder's device, too.
   */
  settled(): Promise<void>;
}

/** Who makes and takes the frames. `stored` is called for each block, in order, once it is in the film. */
export interface BlockQueueOptions {
  readonly decoder: FrameDecoder;
  readonly film: Pick<FilmWriter, 'openBlock'>;
  readonly stored: (block: FinishedBlock) => void | Promise<void>;
  readonly patience?: PatienceSettings | undefined;
}

/** Opens a queue that holds as many blocks as keep all parts of the decoder at work. */
export function openBlockQueue({ decoder, film, stored, patience }: BlockQueueOptions): BlockQueue {
  const failed = new AbortController();
  let frames = 0;
  let isDecoding = false;
  const waiting: Promise<void>[] = [];
  let last: Promise<void> = Promise.resolve();

  async function* counted(all: AsyncIterable<Frames>): AsyncGenerator<Frames, void, undefined> {
    isDecoding = true;
    try {
      for await (const each of all) {
        isDecoding = false;
        frames += each.count;
        yield each;
        isDecoding = true;
      }
    } finally {
      isDecoding = false;
    }
  }

  async function store(before: Promise<void>, block: FinishedBlock, all: AsyncIterable<Frames>): Promise<void> {
    await before;
    await write(block, counted(all), film);
    await stored(block);
  }

  return {
    async add(block) {
      const storing = store(last, block, decoder.decode(block.latents));
      storing.catch((reason) => failed.abort(reason));
      last = storing;
      waiting.push(storing);
      const most = 1 + Math.ceil(decoder.latentsAtOnce / (block.latents.shape[2] ?? 1));
      while (waiting.length > most) await waiting.shift();
    },
    failed: failed.signal,
    finish: () => last,
    settled: () => settledInTime(last, () => ({ frames, isDecoding }), patience),
  };
}

/** Resolves once the work is over, or the decoder has been at a frame for too long: whoever writes frames has a patience of its own. */
async function settledInTime(
  work: Promise<void>,
  look: () => { readonly frames: number; readonly isDecoding: boolean },
  settings: PatienceSettings = PATIENCE,
): Promise<void> {
  // What a first frame may take is for a decoder of which nothing is known: here something is known to have failed.
  const patience = createPatience({ ...settings, firstMilliseconds: settings.leastMilliseconds });
  const late = Promise.withResolvers<void>();
  const watch = setInterval(() => {
    const { frames, isDecoding } = look();
    if (patience.look(frames, isDecoding, performance.now()) !== undefined) late.resolve();
  }, LOOK_EVERY_MILLISECONDS);
  await Promise.race([work.catch(() => undefined), late.promise]);
  clearInterval(watch);
}

async function write(
  { index, latents }: FinishedBlock,
  frames: AsyncIterable<Frames>,
  film: BlockQueueOptions['film'],
) {
  const count = latents.shape[2] ?? 0;
  const block = film.openBlock(count * FRAMES_PER_LATENT - (index === 0 ? FRAMES_PER_LATENT - 1 : 0));
  try {
    for await (const { rgb } of frames) await block.write(rgb);
    await block.finish();
  } catch (error) {
    block.cancel();
    throw error;
  }
}
