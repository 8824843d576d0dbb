import type { TextEncoderConfig } from '../model/config.ts';
import type { Graph } from '../model/graph.ts';
import { textEncoderGraph } from '../model/text-encoder.ts';
import type { Device } from '../ort/device.ts';
import { runOnce } from '../ort/run-once.ts';
import { createSession, type Session } from '../ort/session.ts';
import { allFinite, type F32Tensor, type FloatType } from '../tensor.ts';
import type { ComponentWeights } from '../weights/shards.ts';
import { type EmbeddingCache, openEmbeddingCache } from './embedding-cache.ts';
import { textError } from './errors.ts';
import { tokenizeTexts } from './prompt-tokens.ts';
import type { Tokens } from './tokenizer.ts';

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
  /** Where embeddings are kept for later films; nowhere unless said. */
  readonly cacheFolder?: string;
}

/** The texts in their order, each `[1, T, textWidth]` with rows of zeros past its end; `warnings` say what the cache could not do. */
export interface EncodedTexts {
  readonly encoded: readonly F32Tensor[];
  readonly warnings: readonly string[];
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
export const PREPACKED_BYTES = 2 ** 31;

/**
 * Encodes texts one by one in this thread; the session is released afterwards, and never opened if the cache holds all of them.
 * Errors as `encodePrompts`.
 */
export function encodeTexts(model: TextModel, texts: readonly string[], options: EncodeOptions): EncodedTexts {
  const tokens = tokenizeTexts(model, texts, options.maxSequenceLength);
  const graph = graphFor(model, options);
  const cache = openCache(model, graph, options);
  const known = tokens.map((text) => cache?.find(text));
  const session = known.includes(undefined) ? openSession(model, graph, options) : undefined;
  try {
    const encoded = tokens.map((text, at) => {
      const embedding = known[at] ?? embed(session as Session, text);
      if (!allFinite(embedding.data)) throw textError('E_TEXT_NOT_FINITE');
      if (known[at] === undefined) cache?.keep(text, embedding);
      return embedding;
    });
    return { encoded, warnings: cache?.warnings ?? [] };
  } finally {
    session?.release();
  }
}

function openCache(model: TextModel, graph: Graph, { cacheFolder, device }: EncodeOptions): EmbeddingCache | undefined {
  return cacheFolder === undefined
    ? undefined
    : openEmbeddingCache(cacheFolder, { ...model, graph, device }, model.config.width);
}

function graphFor({ config, weights }: TextModel, { device, maxSequenceLength, dtype = 'F32' }: EncodeOptions): Graph {
  return textEncoderGraph(config, weights.tensors, { tokens: maxSequenceLength, attention: device.kind, dtype });
}

function openSession({ weights }: TextModel, graph: Graph, { device }: EncodeOptions): Session {
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
