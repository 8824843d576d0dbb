import type { TransformerConfig } from './config.ts';
import { type Edge, type Graph, type GraphBuilder, graphBuilder, type TensorIndex } from './graph.ts';
import {
  attention,
  binary,
  CONTRIB,
  type Compute,
  cast,
  concat,
  geluTanh,
  layerNorm,
  linear,
  reshape,
  rmsNorm,
  scalar,
  slice,
} from './ops.ts';

/** Layers `[firstLayer, endLayer)` of the transformer, and how much of each block's keys and values is kept. */
export interface SliceOptions extends Compute {
  readonly firstLayer: number;
  readonly endLayer: number;
  /**
   * Tokens of the context, K. Keys and values of the input's tokens `[K, 2K)` come out for the left neighbour, and those
   * that the right neighbour left come in (docs/dualparal.md#feature-cache). 0: neither.
   */
  readonly contextTokens: number;
}

/**
 * A slice of the transformer (docs/wan.md#a-layer, docs/wan.md#slices) for one guidance branch.
 * In: `x [1, S, D]`, `tproj [1, 6, D]` float32, `cos, sin [S + R, headWidth / 2]` float32, and per layer i
 * `crossk.i, crossv.i [1, L, D]` and (with context) `rightk.i, rightv.i [1, R, D]`; R is K, or 0 without a right neighbour.
 * Out: `x [1, S, D]` (named `y`, since a graph's names are unique) and per layer `keepk.i, keepv.i [1, K, D]`.
 * Layers are numbered as in the model. No operation reaches across a layer, so where the cut lies cannot change a bit.
 */
export function sliceGraph(config: TransformerConfig, tensors: TensorIndex, options: SliceOptions): Graph {
  const { width: D, headWidth } = config;
  const { firstLayer, endLayer, contextTokens, dtype } = options;
  const g = graphBuilder(`layers ${firstLayer}–${endLayer - 1}`, tensors);
  const positions = contextTokens > 0 ? 'S+R' : 'S';
  const shared: SliceInputs = {
    tproj: g.input('tproj', 'F32', [1, 6, D]),
    cos: g.input('cos', 'F32', [positions, headWidth / 2]),
    sin: g.input('sin', 'F32', [positions, headWidth / 2]),
  };
  let x = g.input('x', dtype, [1, 'S', D]);
  for (let layer = firstLayer; layer < endLayer; layer++) x = transformerLayer(g, config, options, layer, x, shared);
  g.output('y', x);
  return g.finish();
}

/** Keys and values of a prompt for a slice's cross-attention: in `ctx [1, L, D]`, out `crossk.i, crossv.i [1, L, D]`. */
export function crossKvGraph(
  config: TransformerConfig,
  tensors: TensorIndex,
  options: Omit<SliceOptions, 'contextTokens'>,
): Graph {
  const { width: D, epsilon } = config;
  const { dtype } = options;
  const g = graphBuilder(`prompt of layers ${options.firstLayer}–${options.endLayer - 1}`, tensors);
  const ctx = reshape(g, g.input('ctx', dtype, [1, 'L', D]), ['L', D]);
  for (let layer = options.firstLayer; layer < options.endLayer; layer++) {
    const name = `blocks.${layer}.attn2`;
    const key = linear(g, ctx, { name: `${name}.to_k`, from: D, to: D }, dtype);
    const value = linear(g, ctx, { name: `${name}.to_v`, from: D, to: D }, dtype);
    const normed = cast(g, rmsNorm(g, key, `${name}.norm_k.weight`, D, epsilon), dtype);
    g.output(`crossk.${layer}`, reshape(g, normed, [1, 'L', D]));
    g.output(`crossv.${layer}`, reshape(g, value, [1, 'L', D]));
  }
  return g.finish();
}

interface SliceInputs {
  readonly tproj: Edge;
  readonly cos: Edge;
  readonly sin: Edge;
}

function transformerLayer(
  g: GraphBuilder,
  config: TransformerConfig,
  options: SliceOptions,
  layer: number,
  x: Edge,
  shared: SliceInputs,
): Edge {
  const { width: D, feedForwardWidth, epsilon } = config;
  const { dtype } = options;
  const block = `blocks.${layer}`;
  const project = (name: string, from: Edge, width = D, to = D) =>
    rows(g, linear(g, flat(g, from, width), { name: `${block}.${name}`, from: width, to }, dtype), to);
  const table = binary(g, 'Add', g.weight(`${block}.scale_shift_table`, [1, 6, D], 'F32'), shared.tproj);
  const [shift, scale, gate, shift2, scale2, gate2] = g.split(table, 1, 6) as [Edge, Edge, Edge, Edge, Edge, Edge];

  const y = modulatedNorm(g, x, scale, shift, D, epsilon);
  const own = selfAttention(g, config, options, layer, y, shared, project);
  const after = gatedAdd(g, x, project('attn1.to_out.0', own), gate, dtype);

  const weight = g.weight(`${block}.norm2.weight`, [D], 'F32');
  const normed = layerNorm(g, after, weight, g.weight(`${block}.norm2.bias`, [D], 'F32'), epsilon);
  const query = cast(g, rmsNorm(g, project('attn2.to_q', normed), `${block}.attn2.norm_q.weight`, D, epsilon), dtype);
  const key = g.input(`crossk.${layer}`, dtype, [1, 'L', D]);
  const value = g.input(`crossv.${layer}`, dtype, [1, 'L', D]);
  const cross = attention(g, query, key, value, config.heads, options.attention);
  const told = binary(g, 'Add', after, project('attn2.to_out.0', cross));

  const hidden = project('ffn.net.0.proj', modulatedNorm(g, told, scale2, shift2, D, epsilon), D, feedForwardWidth);
  return gatedAdd(g, told, project('ffn.net.2', geluTanh(g, hidden), feedForwardWidth, D), gate2, dtype);
}

function selfAttention(
  g: GraphBuilder,
  config: TransformerConfig,
  options: SliceOptions,
  layer: number,
  y: Edge,
  shared: SliceInputs,
  project: (name: string, from: Edge) => Edge,
): Edge {
  const { width: D, epsilon } = config;
  const { dtype, contextTokens: K } = options;
  const name = `blocks.${layer}.attn1`;
  const turned = (edge: Edge, weight: string) =>
    cast(g, rotate(g, rmsNorm(g, edge, `${name}.${weight}.weight`, D, epsilon), shared, config.heads), dtype);
  const query = turned(project('attn1.to_q', y), 'norm_q');
  let key = project('attn1.to_k', y);
  let value = project('attn1.to_v', y);
  if (K > 0) {
    g.output(`keepk.${layer}`, slice(g, key, 1, K, 2 * K));
    g.output(`keepv.${layer}`, slice(g, value, 1, K, 2 * K));
    key = concat(g, [key, g.input(`rightk.${layer}`, dtype, [1, 'R', D])], 1, 'S+R');
    value = concat(g, [value, g.input(`rightv.${layer}`, dtype, [1, 'R', D])], 1, 'S+R');
  }
  return attention(g, query, turned(key, 'norm_k'), value, config.heads, options.attention);
}

/** Turns interleaved pairs of every head by the tables' angles, from position 0 on. */
function rotate(g: GraphBuilder, x: Edge, { cos, sin }: SliceInputs, heads: number): Edge {
  const start = g.constant(BigInt64Array.of(0n), 'I64', [1]);
  const attributes = { interleaved: 1n, num_heads: BigInt(heads) };
  return g.node('RotaryEmbedding', [x, start, cos, sin], { dtype: x.dtype, shape: x.shape }, attributes, CONTRIB);
}

/** `LN(x)·(1 + scale) + shift`: the modulation is the normalisation's own scale and shift, so it costs no pass of its own. */
function modulatedNorm(g: GraphBuilder, x: Edge, scale: Edge, shift: Edge, D: number, epsilon: number): Edge {
  return layerNorm(g, x, reshape(g, binary(g, 'Add', scale, scalar(g, 1)), [D]), reshape(g, shift, [D]), epsilon);
}

/** `x + y·gate` in float32, then rounded to the compute type. */
function gatedAdd(g: GraphBuilder, x: Edge, y: Edge, gate: Edge, dtype: Compute['dtype']): Edge {
  return cast(g, binary(g, 'Add', cast(g, x, 'F32'), binary(g, 'Mul', cast(g, y, 'F32'), gate)), dtype);
}

function flat(g: GraphBuilder, x: Edge, width: number): Edge {
  return reshape(g, x, [x.shape[1]!, width]);
}

function rows(g: GraphBuilder, x: Edge, width: number): Edge {
  return reshape(g, x, [1, x.shape[0]!, width]);
}
