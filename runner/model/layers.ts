import type { TransformerConfig } from './config.ts';
import { fusedLayers } from './fused-layers.ts';
import { type Edge, type Graph, type GraphBuilder, graphBuilder, type TensorIndex } from './graph.ts';
import {
  attention,
  binary,
  type Compute,
  cast,
  concat,
  geluTanh,
  lastOf,
  layerNorm,
  linear,
  type RotaryInputs,
  reshape,
  rmsNorm,
  rotate,
  scalar,
  slice,
} from './ops.ts';
import { positionsOf, type SliceInputs, type SliceOptions } from './slice-options.ts';

/**
 * A slice of the transformer (docs/wan.md#a-layer, docs/wan.md#slices) for one guidance branch.
 * In: `x [1, S, D]`, `tproj [1, 6, D]` float32, `cos, sin [S + R, headWidth / 2]` float32, and per layer i
 * `crossk.i, crossv.i [1, L, D]` and (with context) `rightk.i, rightv.i [1, R, D]`; R is K, or 0 without a right neighbour.
 * Out: `x [1, S, D]` (named `y`, since a graph's names are unique) and per layer `keepk.i, keepv.i [1, K, D]`.
 * With `reusesLeft` also in, per layer, `leftk.i, leftv.i [1, P, D]` (P is K, or 0 without a left neighbour), and for all
 * `querycos, querysin [S, headWidth / 2]`: the tables from position P on, while `cos, sin [P + S + R, headWidth / 2]` begin at
 * the left context; and out, per layer, `tailk.i, tailv.i [1, K, D]`.
 * In the fused form with context also in, `jointk, jointv [1, S + R, D]`, memory to work in, and `rightstart [1]` int64, which is S; and
 * out, per layer, `begunk.i, begunv.i, joinedk.i, joinedv.i [1, S + R, D]`, all to be bound to that memory. With `reusesLeft` the memory is
 * `[1, P + S + R, D]`, `rightstart` is P + S, there are `grownk.i, grownv.i` like `begunk.i, begunv.i`, and in place of tables for the
 * queries comes `ownstart [1]` int64, which is P.
 * Layers are numbered as in the model. Where the cut lies cannot change a bit: no operation reaches across a layer, or (in the
 * fused form, whose kept keys and values lack their biases) it computes the same bits on either side.
 */
export function sliceGraph(config: TransformerConfig, tensors: TensorIndex, options: SliceOptions): Graph {
  const { width: D, headWidth } = config;
  const { firstLayer, endLayer, dtype } = options;
  const form = formOf(options);
  const g = graphBuilder(`layers ${firstLayer}–${endLayer - 1}`, tensors, form === 'fused' ? FUSED_OPSET : undefined);
  const tables = (prefix: string, positions: string): RotaryInputs => ({
    cos: g.input(`${prefix}cos`, 'F32', [positions, headWidth / 2]),
    sin: g.input(`${prefix}sin`, 'F32', [positions, headWidth / 2]),
  });
  const tproj = g.input('tproj', 'F32', [1, 6, D]);
  const keys = tables('', positionsOf(options));
  let x = g.input('x', dtype, [1, 'S', D]);
  if (form === 'fused') {
    x = fusedLayers(g, config, options, x, { tproj, ...keys });
  } else {
    const shared = { tproj, ...keys, queries: options.reusesLeft === true ? tables('query', 'S') : keys };
    for (let layer = firstLayer; layer < endLayer; layer++) x = transformerLayer(g, config, options, layer, x, shared);
  }
  g.output('y', x);
  return g.finish();
}

/** The first that has an operator which writes into given memory. */
const FUSED_OPSET = 24;

function formOf({ attention, form }: SliceOptions): 'plain' | 'fused' {
  return form ?? (attention === 'cpu' ? 'plain' : 'fused');
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

/** What all layers of the plain form read; its queries have tables of their own. */
interface PlainInputs extends SliceInputs {
  readonly queries: RotaryInputs;
}

function transformerLayer(
  g: GraphBuilder,
  config: TransformerConfig,
  options: SliceOptions,
  layer: number,
  x: Edge,
  shared: PlainInputs,
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
  const cross = attention(g, query, key, value, config.heads, options);
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
  shared: PlainInputs,
  project: (name: string, from: Edge) => Edge,
): Edge {
  const { width: D, epsilon } = config;
  const { dtype, contextTokens: K } = options;
  const name = `blocks.${layer}.attn1`;
  const turned = (edge: Edge, weight: string, rotary: RotaryInputs) =>
    cast(g, rotate(g, rmsNorm(g, edge, `${name}.${weight}.weight`, D, epsilon), rotary, config.heads), dtype);
  const query = turned(project('attn1.to_q', y), 'norm_q', shared.queries);
  let key = project('attn1.to_k', y);
  let value = project('attn1.to_v', y);
  if (K > 0) {
    const kept = options.reusesLeft === true ? 0 : K;
    g.output(`keepk.${layer}`, slice(g, key, 1, kept, kept + K));
    g.output(`keepv.${layer}`, slice(g, value, 1, kept, kept + K));
    const around = (edge: Edge, letter: 'k' | 'v') => {
      const right = g.input(`right${letter}.${layer}`, dtype, [1, 'R', D]);
      if (options.reusesLeft !== true) return concat(g, [edge, right], 1, positionsOf(options));
      g.output(`tail${letter}.${layer}`, lastOf(g, edge, 1, K));
      return concat(g, [g.input(`left${letter}.${layer}`, dtype, [1, 'P', D]), edge, right], 1, positionsOf(options));
    };
    key = around(key, 'k');
    value = around(value, 'v');
  }
  return attention(g, query, turned(key, 'norm_k', shared), value, config.heads, options);
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
