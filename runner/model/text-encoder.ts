import type { FloatType } from '../tensor.ts';
import type { TextEncoderConfig } from './config.ts';
import { type Edge, type Graph, type GraphBuilder, graphBuilder, type TensorIndex } from './graph.ts';
import { binary, CONTRIB, type Compute, cast, geluTanh, linear, reshape, rmsNorm, scalar, transpose } from './ops.ts';
import { EMBEDDING } from './tensor-names.ts';

/** Number format of the text encoder's matrix work, and the longest text that it reads. */
export interface TextEncoderOptions extends Compute {
  readonly tokens: number;
}

/** Added to the scores of padding: far below any score, and within the range of the type, a score's own addition included. */
const MASKED = { F32: -3.4028234663852886e38, BF16: -3e38, F16: -6e4 } as const satisfies Record<FloatType, number>;

/**
 * The UMT5 encoder (docs/wan.md#text-encoder) for one text padded to L tokens, at most `tokens`. In: `ids [1, L]` and
 * `mask [1, L]` int64, 1 at tokens
 * and 0 at padding; out: `embeds [1, L, D]` float32, zero at padding, which is what the transformer is given.
 * The residual stream, norms and softmax are float32; the feed-forward's last product too, because it overflows float16.
 */
export function textEncoderGraph(config: TextEncoderConfig, tensors: TensorIndex, options: TextEncoderOptions): Graph {
  const { width: D, vocabulary } = config;
  const g = graphBuilder('text encoder', tensors);
  const ids = g.input('ids', 'I64', [1, 'L']);
  const mask = cast(g, g.input('mask', 'I64', [1, 'L']), 'F32');
  const masked = binary(g, 'Mul', binary(g, 'Sub', scalar(g, 1), mask, mask.shape), scalar(g, MASKED[options.dtype]));
  const scores: Scores = { padding: reshape(g, masked, [1, 1, 1, 'L']), distances: distances(g, ids, options.tokens) };
  const stored = tensors.get(EMBEDDING)?.dtype ?? 'F32';
  const table = g.weight(EMBEDDING, [vocabulary, D], stored as Compute['dtype']);
  let x = cast(g, g.node('Gather', [table, ids], { dtype: table.dtype, shape: [1, 'L', D] }), 'F32');
  for (let index = 0; index < config.layers; index++) x = encoderLayer(g, config, options, index, x, scores);
  const out = rmsNorm(g, x, 'encoder.final_layer_norm.weight', D, config.epsilon);
  g.output('embeds', binary(g, 'Mul', out, reshape(g, mask, [1, 'L', 1])));
  return g.finish();
}

/** What every layer's scores are made of: padding's addition `[1, 1, 1, L]`, and places in a table of distances `[L, L]`. */
interface Scores {
  readonly padding: Edge;
  readonly distances: Edge;
}

function encoderLayer(
  g: GraphBuilder,
  config: TextEncoderConfig,
  options: TextEncoderOptions,
  index: number,
  x: Edge,
  scores: Scores,
): Edge {
  const { width: D, feedForwardWidth, epsilon } = config;
  const { dtype } = options;
  const inner = config.heads * config.headWidth;
  const attention = `encoder.block.${index}.layer.0`;
  const feedForward = `encoder.block.${index}.layer.1`;
  const bare = (from: Edge, name: string, width: number, to: number, as = dtype) =>
    linear(g, from, { name, from: width, to, bias: false }, as);
  const normed = (from: Edge, name: string) => reshape(g, rmsNorm(g, from, `${name}.weight`, D, epsilon), ['L', D]);

  const y = normed(x, `${attention}.layer_norm`);
  const part = (name: string) => reshape(g, bare(y, `${attention}.SelfAttention.${name}`, D, inner), [1, 'L', inner]);
  const added = scoreBias(g, config, options, index, scores);
  const mixed = biasedAttention(g, config, options, [part('q'), part('k'), part('v')], added);
  const told = bare(reshape(g, mixed, ['L', inner]), `${attention}.SelfAttention.o`, inner, D);
  const after = binary(g, 'Add', x, cast(g, reshape(g, told, [1, 'L', D]), 'F32'));

  const z = normed(after, `${feedForward}.layer_norm`);
  const gate = geluTanh(g, bare(z, `${feedForward}.DenseReluDense.wi_0`, D, feedForwardWidth));
  const gated = binary(g, 'Mul', gate, bare(z, `${feedForward}.DenseReluDense.wi_1`, D, feedForwardWidth));
  const last = dtype === 'F16' ? 'F32' : dtype;
  const out = bare(gated, `${feedForward}.DenseReluDense.wo`, feedForwardWidth, D, last);
  return binary(g, 'Add', after, cast(g, reshape(g, out, [1, 'L', D]), 'F32'));
}

/**
 * Place `key − query + tokens − 1` of every pair in a table of distances, int64 `[L, L]`. It follows from the length of the
 * input, so that no layer's table of pairs is computed, and kept, when the graph is loaded. The positions are the beginning of
 * a constant: `Range` would be computed on the processor, where a graph for CUDA may have no node.
 */
function distances(g: GraphBuilder, ids: Edge, tokens: number): Edge {
  const length = g.node('Shape', [ids], { dtype: 'I64', shape: [1] }, { start: 1n, end: 2n });
  const all = g.constant(
    BigInt64Array.from({ length: tokens }, (_, at) => BigInt(at)),
    'I64',
    [tokens],
  );
  const first = g.constant(BigInt64Array.of(0n), 'I64', [1]);
  const positions = g.node('Slice', [all, first, length, first], { dtype: 'I64', shape: ['L'] });
  const last = g.constant(BigInt64Array.of(BigInt(tokens - 1)), 'I64', []);
  const keys = binary(g, 'Add', reshape(g, positions, [1, 'L']), last);
  return binary(g, 'Sub', keys, reshape(g, positions, ['L', 1]), ['L', 'L']);
}

/** Addition to one layer's scores `[1, Hd, L, L]`: its own table of distances, and the padding. */
function scoreBias(
  g: GraphBuilder,
  config: TextEncoderConfig,
  { tokens }: TextEncoderOptions,
  index: number,
  { padding, distances: places }: Scores,
): Edge {
  const { buckets, heads, maxDistance } = config;
  const name = `encoder.block.${index}.layer.0.SelfAttention.relative_attention_bias.weight`;
  const bucketOf = g.constant(relativeBuckets(tokens, buckets, maxDistance), 'I32', [2 * tokens - 1]);
  const table = g.weight(name, [buckets, heads], 'F32');
  const perDistance = g.node('Gather', [table, bucketOf], { dtype: 'F32', shape: [2 * tokens - 1, heads] });
  const pairs = { dtype: 'F32', shape: [heads, 'L', 'L'] } as const;
  const gathered = g.node('Gather', [transpose(g, perDistance, [1, 0]), places], pairs, { axis: 1n });
  const first = g.constant(BigInt64Array.of(0n), 'I64', [1]);
  const perHead = g.node('Unsqueeze', [gathered, first], { dtype: 'F32', shape: [1, heads, 'L', 'L'] });
  return binary(g, 'Add', perHead, padding);
}

/** Attention whose scores are not scaled and have `added [1, Hd, L, L]` put on them. */
function biasedAttention(
  g: GraphBuilder,
  config: TextEncoderConfig,
  options: TextEncoderOptions,
  [q, k, v]: readonly [Edge, Edge, Edge],
  added: Edge,
): Edge {
  const heads = BigInt(config.heads);
  const result = { dtype: q.dtype, shape: q.shape };
  const own = cast(g, added, q.dtype);
  if (options.attention === 'cpu') {
    const attributes = { num_heads: heads, scale: 1 };
    return g.node('MultiHeadAttention', [q, k, v, null, null, own], result, attributes, CONTRIB);
  }
  const attributes = { q_num_heads: heads, kv_num_heads: heads, scale: 1 };
  return g.node('Attention', [q, k, v, own], result, attributes);
}

/**
 * Bucket of every distance key − query from −(tokens − 1) to tokens − 1: half of them for keys after the query, in each half
 * exact near and logarithmic far.
 */
export function relativeBuckets(tokens: number, buckets: number, maxDistance: number): Int32Array {
  const half = buckets / 2;
  const exact = Math.floor(half / 2);
  return Int32Array.from({ length: 2 * tokens - 1 }, (_, place) => {
    const distance = Math.abs(place - (tokens - 1));
    const far = Math.log(distance / exact) / Math.log(maxDistance / exact);
    const bucket = distance < exact ? distance : Math.min(half - 1, exact + Math.floor(far * (half - exact)));
    return bucket + (place > tokens - 1 ? half : 0);
  });
}
