import { latentAt } from '../latents.ts';
import type { UnitRange } from '../model/vae-units.ts';
import type { Device } from '../ort/device.ts';
import type { F32Tensor } from '../tensor.ts';
import { openArenas } from '../thread/arenas.ts';
import type { PatienceSettings } from '../thread/patience.ts';
import { startChain } from './chain.ts';
import type { Frames } from './decode-worker.ts';
import type { DecoderModel, DecoderOptions } from './decoder.ts';
import { decodeError } from './errors.ts';
import { type ResumePoint, replayOf } from './replay.ts';

/** Decodes a film's latents in threads of its own, so that denoising goes on meanwhile. */
export interface FrameDecoder {
  /**
   * The frames of a block `[1, C, F, h, w]` that follows what it was given before, latent by latent. Decoding begins at once, or behind what is
   * on its way; blocks are to be read in order, each to its end.
   */
  decode(latents: F32Tensor): AsyncGenerator<Frames, void, undefined>;
  /** Latents that are on their way at once: as many as keep all parts at work while frames are taken. */
  readonly latentsAtOnce: number;
  /** Ends the threads, at once if they are at work. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Where a part of the decoder is computed; all of it unless said. */
export interface PlacedPart {
  readonly device: Device;
  readonly units?: UnitRange;
}

/** The parts of a plan on the devices of its stages. */
export function placeParts(
  parts: readonly (UnitRange & { readonly stage: number })[],
  devices: readonly Device[],
): readonly PlacedPart[] {
  return parts.map(({ stage, firstUnit, endUnit }) => ({ device: devices[stage]!, units: { firstUnit, endUnit } }));
}

/** How the threads decode: from a film's beginning, and with the usual patience, unless said. */
export interface FrameDecoderOptions extends Omit<DecoderOptions, 'continued' | 'firstLatent' | 'device' | 'units'> {
  /** In the order in which a latent passes them. */
  readonly parts: readonly PlacedPart[];
  readonly from?: ResumePoint;
  readonly patience?: PatienceSettings;
  /** Thread entry; tests give one that fails. */
  readonly worker?: URL;
}

const BEGINNING: ResumePoint = { next: 0, before: null };
const WORKER = new URL('./decode-worker.ts', import.meta.url);

/**
 * Starts the decoder's threads, one for each part, and resolves once they are loaded and the latents before the beginning are decoded
 * again. Throws `E_DEVICE_…` when they cannot be, `E_DECODE_THREAD` when one dies, `E_DECODE_LOAD_HUNG` and `E_DECODE_HUNG` when its
 * loading or a latent takes out of all proportion, and the signal's reason on an abort.
 */
export async function openFrameDecoder(
  model: DecoderModel,
  { parts, from = BEGINNING, patience, worker = WORKER, ...options }: FrameDecoderOptions,
  signal?: AbortSignal,
): Promise<FrameDecoder> {
  signal?.throwIfAborted();
  const replay = replayOf(model.config, from);
  await openArenas(
    parts.map(({ device }) => device),
    { patience, signal },
  );
  signal?.throwIfAborted();
  const tasks = parts.map((part) => ({
    model,
    options: { ...options, ...part, continued: replay.continued, firstLatent: replay.start },
  }));
  const chain = startChain(tasks, { worker, patience });
  const abort = () => void chain.close(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const close = () => {
    signal?.removeEventListener('abort', abort);
    return chain.close(decodeError('E_DECODE_STOPPED'));
  };
  try {
    await chain.ready;
    await Promise.all(replay.latents.map((latent) => chain.request(latent, true)));
  } catch (error) {
    await close();
    throw error;
  }
  // Every part is at one, and one is encoded meanwhile.
  const latentsAtOnce = parts.length + 1;
  const behind: (() => void)[] = [];
  let onTheWay = 0;
  function send(): void {
    for (; onTheWay < latentsAtOnce && behind.length > 0; onTheWay++) behind.shift()!();
  }
  async function* inOrder(frames: readonly Promise<Frames | null>[]): AsyncGenerator<Frames, void, undefined> {
    for (const each of frames) {
      yield (await each) as Frames;
      onTheWay -= 1;
      send();
    }
  }
  return {
    latentsAtOnce,
    decode(latents) {
      const frames = Array.from({ length: checkedCount(latents, model, options) }, (_, at) => {
        const answer = Promise.withResolvers<Frames | null>();
        // Whoever reads the frames before it learns of a failure first.
        answer.promise.catch(() => undefined);
        behind.push(() => answer.resolve(chain.request(latentAt(latents, at), false)));
        return answer.promise;
      });
      send();
      return inOrder(frames);
    },
    [Symbol.asyncDispose]: close,
  };
}

function checkedCount(
  { shape }: F32Tensor,
  { config }: DecoderModel,
  { latentHeight, latentWidth }: Pick<DecoderOptions, 'latentHeight' | 'latentWidth'>,
): number {
  const count = shape[2] ?? 0;
  const wanted = [1, config.latentChannels, count, latentHeight, latentWidth].join(', ');
  if (shape.join(', ') !== wanted) throw decodeError('E_DECODE_LATENTS', { found: shape.join(', '), wanted });
  return count;
}
