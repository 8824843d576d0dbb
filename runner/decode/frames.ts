import { Worker } from 'node:worker_threads';
import { fromErrorRecord } from '#contract/error.ts';
import { cancelRuns } from '../ort/binding.ts';
import type { F32Tensor } from '../tensor.ts';
import type { DecodeMessage, DecodeRequest, DecodeTask } from './decode-worker.ts';
import type { DecoderModel, DecoderOptions } from './decoder.ts';
import { decodeError } from './errors.ts';
import { latentAt } from './stream.ts';

/** Frames of one latent, RGB24 one after another: one frame for a film's first latent, four for every later one. */
export interface Frames {
  readonly rgb: Uint8Array;
  readonly count: number;
}

/** Decodes a film's latents in a thread of its own, so that denoising goes on meanwhile. */
export interface FrameDecoder {
  /** The frames of a block `[1, C, F, h, w]` that follows what was decoded before, latent by latent. To be read to its end. */
  decode(latents: F32Tensor): AsyncGenerator<Frames, void, undefined>;
  /** Ends the thread, at once if it is at work. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Where decoding goes on: at latent `next`, with the latents before it as `openDecoderAt` (replay.ts) wants them. */
export interface ResumePoint {
  readonly next: number;
  readonly before: F32Tensor | null;
}

/** Latents on their way through the thread: one is decoded while the frames of the one before are encoded. */
const IN_FLIGHT = 2;
/** How long the thread may take to end by itself: a run is cancelled at once, but a load cannot be. */
const STOP_PATIENCE_MILLISECONDS = 10_000;

/**
 * Starts the decoder's thread and resolves once it is loaded. Throws `E_DEVICE_…` when it cannot be, `E_DECODE_THREAD` when the
 * thread dies, and the signal's reason on an abort.
 */
export async function openFrameDecoder(
  model: DecoderModel,
  options: Omit<DecoderOptions, 'continued'>,
  { signal, from = { next: 0, before: null } }: { readonly signal?: AbortSignal; readonly from?: ResumePoint } = {},
): Promise<FrameDecoder> {
  signal?.throwIfAborted();
  const thread = startThread({ model, options, ...from });
  const abort = () => thread.stop(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const dispose = async () => {
    signal?.removeEventListener('abort', abort);
    thread.stop(decodeError('E_DECODE_STOPPED'));
    await thread.ended;
  };
  try {
    await thread.ready;
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    async *decode(latents) {
      const count = checkedCount(latents, model, options);
      const onTheWay: Promise<Frames>[] = [];
      for (let at = 0; at < count || onTheWay.length > 0; ) {
        while (at < count && onTheWay.length < IN_FLIGHT) onTheWay.push(thread.request(latentAt(latents, at++)));
        yield (await onTheWay.shift()) as Frames;
      }
    },
    [Symbol.asyncDispose]: dispose,
  };
}

interface DecodeThread {
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  request(latent: Float32Array<ArrayBuffer>): Promise<Frames>;
  /** Ends the thread; whoever still waits gets `reason`. */
  stop(reason: unknown): void;
}

function startThread(task: DecodeTask): DecodeThread {
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const waiting: PromiseWithResolvers<Frames>[] = [];
  const worker = new Worker(new URL('./decode-worker.ts', import.meta.url), { workerData: task, name: 'decoder' });
  let cancel: bigint | undefined;
  let failure: { readonly reason: unknown } | undefined;
  let isLoaded = false;
  let isOver = false;
  let patience: NodeJS.Timeout | undefined;

  function fail(reason: unknown): void {
    failure ??= { reason };
    ready.reject(failure.reason);
    for (const { reject } of waiting.splice(0)) reject(failure.reason);
  }

  worker.on('message', (message: DecodeMessage) => {
    if (message.kind === 'started') {
      cancel = message.cancel;
      if (failure !== undefined) cancelRuns(cancel);
    } else if (message.kind === 'ready') {
      isLoaded = true;
      ready.resolve();
    } else if (message.kind === 'frames') waiting.shift()?.resolve({ rgb: message.rgb, count: message.frames });
    else fail(fromErrorRecord(message.error));
  });
  worker.on('error', fail);
  worker.on('exit', (code) => {
    isOver = true;
    clearTimeout(patience);
    fail(decodeError('E_DECODE_THREAD', { code }));
    ended.resolve();
  });
  // Nobody may be waiting at the moment of a failure; the next request tells of it.
  ready.promise.catch(() => undefined);

  return {
    ready: ready.promise,
    ended: ended.promise,
    request(latent) {
      const answer = Promise.withResolvers<Frames>();
      answer.promise.catch(() => undefined);
      if (failure === undefined) {
        waiting.push(answer);
        worker.postMessage({ kind: 'latent', latent } satisfies DecodeRequest, [latent.buffer]);
      } else answer.reject(failure.reason);
      return answer.promise;
    },
    stop(reason) {
      if (isOver) return;
      const isBusy = waiting.length > 0 || !isLoaded;
      fail(reason);
      if (isBusy && cancel !== undefined) cancelRuns(cancel);
      worker.postMessage({ kind: 'end' } satisfies DecodeRequest);
      patience ??= setTimeout(() => void worker.terminate(), STOP_PATIENCE_MILLISECONDS);
    },
  };
}

function checkedCount(
  { shape }: F32Tensor,
  { config }: DecoderModel,
  { latentHeight, latentWidth }: Omit<DecoderOptions, 'continued'>,
): number {
  const count = shape[2] ?? 0;
  const wanted = [1, config.latentChannels, count, latentHeight, latentWidth].join(', ');
  if (shape.join(', ') !== wanted) throw decodeError('E_DECODE_LATENTS', { found: shape.join(', '), wanted });
  return count;
}
