/**
 * Prompts to embeddings: cleaned, cut into tokens, and read by the text encoder in a thread of its own, which ends afterwards
 * and gives all of its memory back before the transformer loads.
 */

import { Worker } from 'node:worker_threads';
import { fromErrorRecord } from '#contract/error.ts';
import { cancelRuns } from '../ort/binding.ts';
import type { F32Tensor } from '../tensor.ts';
import type { Encoded, EncodedTexts, EncodeOptions, EncodeTask, TextModel } from './encode-texts.ts';
import type { EncodeMessage } from './encode-worker.ts';
import { textError } from './errors.ts';

/** A text, by the name of the field that it comes from. */
export interface Prompt {
  readonly name: string;
  readonly text: string;
}

/** Embeddings in the order of the prompts; `warnings` name the prompts that were cut, and what the cache could not do. */
export interface EncodedPrompts {
  readonly embeddings: readonly F32Tensor[];
  readonly warnings: readonly string[];
}

/** How long the thread may take to end by itself: a run is cancelled at once, but a load cannot be. */
const STOP_PATIENCE_MILLISECONDS = 10_000;

/**
 * Encodes the prompts; equal texts are encoded once, texts that `options.cacheFolder` holds not at all. Throws `E_TOKENIZER_…` for a tokenizer that cannot be used, `E_DEVICE_…`
 * when the device fails, and the signal's reason on an abort.
 */
export async function encodePrompts(
  model: TextModel,
  prompts: readonly Prompt[],
  options: EncodeOptions,
  signal?: AbortSignal,
): Promise<EncodedPrompts> {
  signal?.throwIfAborted();
  const texts = [...new Set(prompts.map(({ text }) => text))];
  const { encoded, warnings } = await runThread({ model, texts, options }, signal);
  const of = (text: string) => encoded[texts.indexOf(text)] as Encoded;
  return {
    embeddings: prompts.map(({ text }) => of(text).embedding),
    warnings: [
      ...prompts.flatMap(({ name, text }) => warningOf(name, of(text).cut, options.maxSequenceLength)),
      ...warnings,
    ],
  };
}

function warningOf(name: string, cut: number, length: number): readonly string[] {
  if (cut === 0) return [];
  return [
    `${name} is too long: its last ${cut} ${cut === 1 ? 'token is' : 'tokens are'} cut, the model reads ${length}`,
  ];
}

function runThread(task: EncodeTask, signal: AbortSignal | undefined): Promise<EncodedTexts> {
  const result = Promise.withResolvers<EncodedTexts>();
  // The memory of the encoder is free only when its thread has ended.
  const ended = Promise.withResolvers<void>();
  const worker = new Worker(new URL('./encode-worker.ts', import.meta.url), { workerData: task, name: 'text encoder' });
  let cancel: bigint | undefined;
  let patience: NodeJS.Timeout | undefined;

  function stop(): void {
    if (cancel !== undefined) cancelRuns(cancel);
    patience ??= setTimeout(() => void worker.terminate(), STOP_PATIENCE_MILLISECONDS);
    result.reject(signal?.reason);
  }

  signal?.addEventListener('abort', stop, { once: true });
  worker.on('message', (message: EncodeMessage) => {
    if (message.kind === 'started') {
      cancel = message.cancel;
      if (signal?.aborted) cancelRuns(cancel);
    } else if (message.kind === 'done') result.resolve(message.texts);
    else result.reject(fromErrorRecord(message.error));
  });
  worker.on('error', result.reject);
  worker.on('exit', (code) => {
    clearTimeout(patience);
    result.reject(textError('E_TEXT_THREAD', { code }));
    ended.resolve();
  });
  return result.promise.finally(async () => {
    signal?.removeEventListener('abort', stop);
    await ended.promise;
  });
}
