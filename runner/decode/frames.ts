import { latentAt } from '../latents.ts';
import { shareArenas } from '../ort/shared-arena.ts';
import type { F32Tensor } from '../tensor.ts';
import { createPatience, LOOK_EVERY_MILLISECONDS, loadingPatience, type PatienceSettings } from '../thread/patience.ts';
import { startThread, type Thread } from '../thread/thread.ts';
import type { DecodeTask, DecodeTold } from './decode-worker.ts';
import type { DecoderModel, DecoderOptions } from './decoder.ts';
import { decodeError } from './errors.ts';

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

/** How the thread decodes: from a film's beginning, and with the usual patience, unless said. */
export interface FrameDecoderOptions extends Omit<DecoderOptions, 'continued'> {
  readonly from?: ResumePoint;
  readonly patience?: PatienceSettings;
  /** Thread entry; tests give one that fails. */
  readonly worker?: URL;
}

/** Latents on their way through the thread: one is decoded while the frames of the one before are encoded. */
const IN_FLIGHT = 2;
const WORKER = new URL('./decode-worker.ts', import.meta.url);

/**
 * Starts the decoder's thread and resolves once it is loaded. Throws `E_DEVICE_…` when it cannot be, `E_DECODE_THREAD` when the
 * thread dies, `E_DECODE_LOAD_HUNG` and `E_DECODE_HUNG` when its loading or a latent takes out of all proportion, and the signal's reason on an abort.
 */
export async function openFrameDecoder(
  model: DecoderModel,
  { from = { next: 0, before: null }, patience, worker = WORKER, ...options }: FrameDecoderOptions,
  signal?: AbortSignal,
): Promise<FrameDecoder> {
  signal?.throwIfAborted();
  shareArenas([options.device]);
  const decoding = startDecoding({ model, options, ...from }, { worker, patience }, signal);
  try {
    await decoding.ready;
  } catch (error) {
    await decoding.close();
    throw error;
  }
  return {
    async *decode(latents) {
      const count = checkedCount(latents, model, options);
      const onTheWay: Promise<Frames>[] = [];
      for (let at = 0; at < count || onTheWay.length > 0; ) {
        while (at < count && onTheWay.length < IN_FLIGHT) onTheWay.push(decoding.request(latentAt(latents, at++)));
        yield (await onTheWay.shift()) as Frames;
      }
    },
    [Symbol.asyncDispose]: decoding.close,
  };
}

/** The thread and those who wait for its frames. */
function startDecoding(
  task: DecodeTask,
  { worker, patience: settings }: { readonly worker: URL; readonly patience: PatienceSettings | undefined },
  signal: AbortSignal | undefined,
) {
  const ready = Promise.withResolvers<void>();
  const waiting: PromiseWithResolvers<Frames>[] = [];
  let failure: { readonly reason: unknown } | undefined;
  let isLoaded = false;
  let done = 0;
  const thread: Thread<Float32Array> = startThread<Float32Array, DecodeTold>(
    {
      entry: worker,
      name: 'decoder',
      task,
      onTold(told) {
        if (told.kind === 'ready') {
          isLoaded = true;
          return ready.resolve();
        }
        done += 1;
        waiting.shift()?.resolve(told);
      },
      died: (code) => decodeError('E_DECODE_THREAD', { code }),
    },
    signal,
  );
  const loading = loadingPatience(settings);
  const patience = createPatience(settings);
  const watch = setInterval(() => {
    const now = performance.now();
    const stuck = isLoaded ? patience.look(done, waiting.length > 0, now) : loading.look(0, true, now);
    if (stuck === undefined) return;
    fail(decodeError(isLoaded ? 'E_DECODE_HUNG' : 'E_DECODE_LOAD_HUNG', { seconds: Math.round(stuck / 1000) }));
  }, LOOK_EVERY_MILLISECONDS);

  function fail(reason: unknown): void {
    failure ??= { reason };
    ready.reject(failure.reason);
    for (const { reject } of waiting.splice(0)) reject(failure.reason);
  }

  thread.failed.catch(fail);
  ready.promise.catch(() => undefined);
  return {
    ready: ready.promise,
    request(latent: Float32Array<ArrayBuffer>): Promise<Frames> {
      const answer = Promise.withResolvers<Frames>();
      // Nobody may be waiting at the moment of a failure; the next request tells of it.
      answer.promise.catch(() => undefined);
      if (failure === undefined) {
        waiting.push(answer);
        thread.ask(latent, [latent.buffer]);
      } else answer.reject(failure.reason);
      return answer.promise;
    },
    async close(): Promise<void> {
      clearInterval(watch);
      fail(decodeError('E_DECODE_STOPPED'));
      await thread.stop();
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
