/**
 * Prompts to embeddings: cleaned, cut into tokens, and read by the text encoder in a thread of its own, which ends afterwards
 * and gives all of its memory back before the transformer loads.
 */

import { deviceFailureAt } from '../ort/errors.ts';
import type { F32Tensor } from '../tensor.ts';
import { openArenas } from '../thread/arenas.ts';
import { createPatience, LOOK_EVERY_MILLISECONDS, type PatienceSettings } from '../thread/patience.ts';
import { startThread } from '../thread/thread.ts';
import type { EncodedTexts, EncodeOptions, EncodeTask, TextModel } from './encode-texts.ts';
import { textError } from './errors.ts';

/** A text, by the name of the field that it comes from. */
export interface Prompt {
  readonly name: string;
  readonly text: string;
}

/** Embeddings in the order of the prompts; `warnings` say what the cache could not do. */
export interface EncodedPrompts {
  readonly embeddings: readonly F32Tensor[];
  readonly warnings: readonly string[];
}

/**
 * Encodes the prompts; equal texts are encoded once, texts that `options.cacheFolder` holds not at all. Throws `E_TOKENIZER_…` for a tokenizer that cannot be used, `E_DEVICE_…`
 * when the device fails or never answers, `E_TEXT_HUNG` when it never ends, and the signal's reason on an abort.
 */
export async function encodePrompts(
  model: TextModel,
  prompts: readonly Prompt[],
  { patience, ...options }: EncodeOptions & { readonly patience?: PatienceSettings },
  signal?: AbortSignal,
): Promise<EncodedPrompts> {
  signal?.throwIfAborted();
  await openArenas([options.device], { patience, signal });
  const texts = [...new Set(prompts.map(({ text }) => text))];
  const { encoded, warnings } = await runThread({ model, texts, options }, patience, signal);
  return {
    embeddings: prompts.map(({ text }) => encoded[texts.indexOf(text)]!),
    warnings,
  };
}

async function runThread(
  task: EncodeTask,
  settings: PatienceSettings | undefined,
  signal: AbortSignal | undefined,
): Promise<EncodedTexts> {
  const result = Promise.withResolvers<EncodedTexts>();
  const thread = startThread<never, EncodedTexts>(
    {
      entry: new URL('./encode-worker.ts', import.meta.url),
      name: 'text encoder',
      task,
      onTold: result.resolve,
      died: (code) => textError('E_TEXT_THREAD', { code }),
      explain: (error) => deviceFailureAt('the text encoder', error),
    },
    signal,
  );
  const patience = createPatience(settings);
  const watch = setInterval(() => {
    const stuck = patience.look(0, true, performance.now());
    if (stuck === undefined) return;
    const values = { device: task.options.device.name, seconds: Math.round(stuck / 1000) };
    result.reject(textError('E_TEXT_HUNG', values));
  }, LOOK_EVERY_MILLISECONDS);
  try {
    return await Promise.race([result.promise, thread.failed]);
  } catch (error) {
    await thread.stop();
    throw error;
  } finally {
    clearInterval(watch);
    // The memory of the encoder is free only when its thread has ended.
    await thread.ended;
  }
}
