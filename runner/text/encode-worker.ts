/** Entry of the text encoder's thread; `encode.ts` starts it. */
import { parentPort, workerData } from 'node:worker_threads';
import { type ErrorRecord, toErrorRecord } from '#contract/error.ts';
import { cancelHandle } from '../ort/binding.ts';
import { type EncodedTexts, type EncodeTask, encodeTexts } from './encode-texts.ts';

/** What the thread tells: how to cancel it, and how it ended. */
export type EncodeMessage =
  | { readonly kind: 'started'; readonly cancel: bigint }
  | { readonly kind: 'done'; readonly texts: EncodedTexts }
  | { readonly kind: 'failed'; readonly error: ErrorRecord };

if (parentPort !== null) run(parentPort.postMessage.bind(parentPort), workerData as EncodeTask);

function run(tell: (message: EncodeMessage) => void, { model, texts, options }: EncodeTask): void {
  try {
    tell({ kind: 'started', cancel: cancelHandle() });
    tell({ kind: 'done', texts: encodeTexts(model, texts, options) });
  } catch (error) {
    tell({ kind: 'failed', error: toErrorRecord(error) });
  }
}
