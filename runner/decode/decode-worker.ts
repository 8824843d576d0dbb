/** Entry of the decoder's thread; `frames.ts` starts it. It decodes one latent per message, in order, until it is told to end. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type ErrorRecord, toErrorRecord } from '#contract/error.ts';
import { cancelHandle } from '../ort/binding.ts';
import type { F32Tensor } from '../tensor.ts';
import type { DecoderModel, DecoderOptions } from './decoder.ts';
import { toRgb } from './pixels.ts';
import { openDecoderAt } from './replay.ts';

/** What the thread is started with; `next` and `before` as in `openDecoderAt`. */
export interface DecodeTask {
  readonly model: DecoderModel;
  readonly options: DecoderOptions;
  readonly next: number;
  readonly before: F32Tensor | null;
}

/** A latent to decode, or the end. */
export type DecodeRequest = { readonly kind: 'latent'; readonly latent: Float32Array } | { readonly kind: 'end' };

/** What the thread tells: how to cancel it, that it is loaded, the frames of a latent as RGB24, and why it failed. */
export type DecodeMessage =
  | { readonly kind: 'started'; readonly cancel: bigint }
  | { readonly kind: 'ready' }
  | { readonly kind: 'frames'; readonly rgb: Uint8Array; readonly frames: number }
  | { readonly kind: 'failed'; readonly error: ErrorRecord };

if (parentPort !== null) run(parentPort, workerData as DecodeTask);

function run(port: MessagePort, { model, options, next, before }: DecodeTask): void {
  const tell = (message: DecodeMessage, transfer: readonly ArrayBuffer[] = []) => port.postMessage(message, transfer);
  const fail = (error: unknown) => {
    tell({ kind: 'failed', error: toErrorRecord(error) });
    port.close();
  };
  try {
    tell({ kind: 'started', cancel: cancelHandle() });
    const decoder = openDecoderAt(model, options, next, before);
    tell({ kind: 'ready' });
    port.on('message', (request: DecodeRequest) => {
      try {
        if (request.kind === 'end') {
          port.close();
          decoder.release();
          return;
        }
        const { planes, frames } = decoder.decode(request.latent);
        const rgb = toRgb(planes, frames, planes.length / 3 / frames);
        tell({ kind: 'frames', rgb, frames }, [rgb.buffer]);
      } catch (error) {
        decoder.release();
        fail(error);
      }
    });
  } catch (error) {
    fail(error);
  }
}
