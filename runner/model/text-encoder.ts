import type { TextEncoderConfig } from './config.ts';
import { type Edge, type Graph, type GraphBuilder, graphBuilder, type TensorIndex } from './graph.ts';
import { binary, CONTRIB, type Compute, cast, geluTanh, linear, reshape, rmsNorm, transpose } from './ops.ts';
import { EMBEDDING } from './tensor-names.ts';

/** Number format of the text encoder's matrix work, and the length of the padded text. */
export interface TextEncoderOptions extends Compute {
  readonly tokens: number;
}

/** Added to the scores of padding: far below any score, and within the range of float32. */
const MASKED = -3.4028234663852886e38;

/**
 * The UMT5 encoder (WAN_SPEC §5) for one text padded to L tokens. In: `ids [1, L]` and `mask [1, L]` int64, 1 at tokens
 * and 0 at padding; out: `embeds [1, L, D]` float32, zero at padding, which is what the transformer is given.
 * The residual stream, norms and softmax are float32; the feed-forward's last product too, because it overflows float16.
 */
export function textEncoderGraph(config: TextEncoderConfig, tensors: TensorIndex, options: TextEncoderOptions): Graph {
  const { width: D, vocabulary } = config;
  const L = options.tokens;
  const g = graphBuilder('text encoder', tensors);
  const ids = g.input('ids', 'I64', [1, L]);
  const mask = cast(g, g.input('mask', 'I64', [1, L]), 'F32');
  const one = g.constant(Float32Array.of(1), 'F32', []);
  const masked = g.constant(Float32Array.of(MASKED), 'F32', []);
  const padding = reshape(g, binary(g, 'Mul', binary(g, 'Sub', one, mask, [1, L]), masked), [1, 1, 1, L]);
  const stored = tensors.get(EMBEDDING)?.dtype ?? 'F32';
  const table = g.weight(EMBEDDING, [vocabulary, D], stored as Compute['dtype']);
  let x = cast(g, g.node('Gather', [table, ids], { dtype: table.dtype, shape: [1, L, D] }), 'F32');
  for (let index = 0; index < config.layers; index++) x = encoderLayer(g, config, options, index, x, padding);
  const out = rmsNorm(g, x, 'encoder.final_layer_norm.weight', D, config.epsilon);
  g.output('embeds', binary(g, 'Mul', out, reshape(g, mask, [1, L, 1])));
  return g.finish();
}

function encoderLayer(
  g: GraphBuilder,
  config: TextEncoderConfig,
  options: TextEncoderOptions,
  index: number,
  x: Edge,
  padding: Edge,
): Edge {
  const { width: D, feedForwardWidth, epsilon } = config;
  const { dtype, tokens: L } = options;
  const inner = config.heads * config.headWidth;
  const attention = `encoder.block.${index}.layer.0`;
  const feedForward = `encoder.block.${index}.layer.1`;
  const bare = (from: Edge, name: string, width: number, to: number, as = dtype) =>
    linear(g, from, { name, from: width, to, bias: false }, as);
  const normed = (from: Edge, name: string) => reshape(g, rmsNorm(g, from, `${name}.weight`, D, epsilon), [L, D]);

  const y = normed(x, `${attention}.layer_norm`);
  const part = (name: string) => reshape(g, bare(y, `${attention}.SelfAttention.${name}`, D, inner), [1, L, inner]);
  const mixed = biasedAttention(
    g,
    config,
    options,
    [part('q'), part('k'), part('v')],
    bias(g, config, index, L, padding),
  );
  const told = bare(reshape(g, mixed, [L, inner]), `${attention}.SelfAttention.o`, inner, D);
  const after = binary(g, 'Add', x, cast(g, reshape(g, told, [1, L, D]), 'F32'));

  const z = normed(after, `${feedForward}.layer_norm`);
  const gate = geluTanh(g, bare(z, `${feedForward}.DenseReluDense.wi_0`, D, feedForwardWidth));
  const gated = binary(g, 'Mul', gate, bare(z, `${feedForward}.DenseReluDense.wi_1`, D, feedForwardWidth));
  const last = dtype === 'F16' ? 'F32' : dtype;
  const out = bare(gated, `${feedForward}.DenseReluDense.wo`, feedForwardWidth, D, last);
  return binary(g, 'Add', after, cast(g, reshape(g, out, [1, L, D]), 'F32'));
}

/** Scores' addition of one layer `[1, Hd, L, L]`: its own table of distances, and the padding. */
function bias(g: GraphBuilder, config: TextEncoderConfig, index: number, L: number, padding: Edge): Edge {
  const name = `encoder.block.${index}.layer.0.SelfAttention.relative_attention_bias.weight`;
  const table = g.weight(name, [config.buckets, config.heads], 'F32');
  const buckets = g.constant(relativeBuckets(L, config.buckets, config.maxDistance), 'I32', [L, L]);
  const gathered = g.node('Gather', [table, buckets], { dtype: 'F32', shape: [L, L, config.heads] });
  const perHead = reshape(g, transpose(g, gathered, [2, 0, 1]), [1, config.heads, L, L]);
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

/** Bucket of every (query, key) pair: half of them for keys after the query, in each half exact near and logarithmic far. */
export function relativeBuckets(tokens: number, buckets: number, maxDistance: number): Int32Array {
  const half = buckets / 2;
  const exact = Math.floor(half / 2);
  const table = new Int32Array(tokens * tokens);
  for (let query = 0; query < tokens; query++) {
    for (let key = 0; key < tokens; key++) {
      const distance = Math.abs(key - query);
      const far = Math.log(distance / exact) / Math.log(maxDistance / exact);
      const bucket = distance < exact ? distance : Math.min(half - 1, exact + Math.floor(far * (half - exact)));
      table[query * tokens + key] = bucket + (key > query ? half : 0);
    }
  }
  return table;
}
