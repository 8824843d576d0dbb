import type { TextEncoderConfig } from '../model/config.ts';
import { textEncoderGraph } from '../model/text-encoder.ts';
import type { Device } from '../ort/device.ts';
import { runOnce } from '../ort/run-once.ts';
import { createSession, type Session } from '../ort/session.ts';
import type { F32Tensor, FloatType } from '../tensor.ts';
import type { ComponentWeights } from '../weights/shards.ts';
import { cleanPrompt } from './clean-prompt.ts';
import { textError } from './errors.ts';
import { loadTokenizer, type Tokens } from './tokenizer.ts';

/** The text side of a model. */
export interface TextModel {
  readonly config: TextEncoderConfig;
  readonly weights: ComponentWeights;
  readonly tokenizerFolder: string;
}

export interface EncodeOptions {
  /** Tokens that the transformer sees of each text, padding included (T). */
  readonly maxSequenceLength: number;
  readonly device: Device;
  /** Number format of the matrix work; F32 unless said. */
  readonly dtype?: FloatType;
}

/** What one text became. */
export interface Encoded {
  /** `[1, T, textWidth]`; rows past the text are zero. */
  readonly embedding: F32Tensor;
  /** Tokens of the text that did not fit. */
  readonly cut: number;
}

/** What the thread is started with. */
export interface EncodeTask {
  readonly model: TextModel;
  readonly texts: readonly string[];
  readonly options: EncodeOptions;
}

/** The same on every machine: how sums are grouped may depend on it. */
const THREADS = 8;
/**
 * Weights up to this size are rearranged in memory for speed. Larger ones, which are read once or twice per film, are used where
 * they are mapped: a private copy of UMT5-XXL would take 23 GB.
 */
const PREPACKED_BYTES = 2 ** 31;

/** Encodes texts one by one in this thread; the session is released afterwards. Errors as `encodePrompts`. */
export function encodeTexts(model: TextModel, texts: readonly string[], options: EncodeOptions): readonly Encoded[] {
  const tokens = tokenize(model, texts, options.maxSequenceLength);
  const session = openSession(model, options);
  try {
    return tokens.map((text) => ({ embedding: embed(session, text), cut: text.cut }));
  } finally {
    session.release();
  }
}

function tokenize({ tokenizerFolder, config }: TextModel, texts: readonly string[], length: number): readonly Tokens[] {
  const tokenizer = loadTokenizer(tokenizerFolder);
  return texts.map((text) => {
    const tokens = tokenizer.encode(cleanPrompt(text), length);
    const largest = Math.max(...tokens.ids);
    if (largest < config.vocabulary) return tokens;
    throw textError('E_TOKENIZER_VOCABULARY', { file: tokenizerFolder, found: largest, wanted: config.vocabulary });
  });
}

function openSession({ config, weights }: TextModel, options: EncodeOptions): Session {
  const { device, maxSequenceLength, dtype = 'F32' } = options;
  const graph = textEncoderGraph(config, weights.tensors, { tokens: maxSequenceLength, attention: device.kind, dtype });
  return createSession(graph.bytes, {
    device,
    weightsFolder: weights.folder,
    intraOpThreads: THREADS,
    prepackWeights: graph.weightBytes <= PREPACKED_BYTES,
    label: 'the text encoder',
  });
}

function embed(session: Session, { ids, count }: Tokens) {
  const shape = [1, ids.length];
  const row = (values: readonly number[]) => ({
    dtype: 'I64' as const,
    shape,
    data: BigInt64Array.from(values, BigInt),
  });
  const mask = ids.map((_, i) => (i < count ? 1 : 0));
  return runOnce(session, { ids: row(ids), mask: row(mask) }).embeds as F32Tensor;
}
