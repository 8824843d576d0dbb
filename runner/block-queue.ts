import { FRAMES_PER_LATENT } from '#contract/job-spec.ts';
import type { Frames } from './decode/decode-worker.ts';
import type { FrameDecoder } from './decode/frames.ts';
import type { FilmWriter } from './output/film.ts';
import type { FinishedBlock } from './pipeline/watch.ts';

/** Decodes blocks and stores them in the film, in order, each while those behind it are decoded: no part of the decoder waits for the end of a block. */
export interface BlockQueue {
  /** Begins to decode a block. Resolves once another one may come; throws why an earlier one could not be stored. */
  add(block: FinishedBlock): Promise<void>;
  /** Rejects with why a block could not be stored; never resolves. */
  readonly failed: Promise<never>;
  /** Resolves once all blocks are stored; throws why one could not be. */
  finish(): Promise<void>;
  /** Resolves once nothing is written any more, whatever has come of it. */
  settled(): Promise<void>;
}

/** Who makes and takes the frames. `stored` is called for each block, in order, once it is in the film. */
export interface BlockQueueOptions {
  readonly decoder: FrameDecoder;
  readonly film: Pick<FilmWriter, 'openBlock'>;
  readonly stored: (block: FinishedBlock) => void | Promise<void>;
}

/** Opens a queue that holds as many blocks as keep all parts of the decoder at work. */
export function openBlockQueue({ decoder, film, stored }: BlockQueueOptions): BlockQueue {
  const failed = Promise.withResolvers<never>();
  // Nobody may be waiting at the moment of a failure.
  failed.promise.catch(() => undefined);
  const waiting: Promise<void>[] = [];
  let last: Promise<void> = Promise.resolve();

  async function store(before: Promise<void>, block: FinishedBlock, frames: AsyncIterable<Frames>): Promise<void> {
    await before;
    await write(block, frames, film);
    await stored(block);
  }

  return {
    async add(block) {
      const storing = store(last, block, decoder.decode(block.latents));
      storing.catch(failed.reject);
      last = storing;
      waiting.push(storing);
      const most = 1 + Math.ceil(decoder.latentsAtOnce / (block.latents.shape[2] ?? 1));
      while (waiting.length > most) await waiting.shift();
    },
    failed: failed.promise,
    finish: () => last,
    settled: () => last.catch(() => undefined),
  };
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
