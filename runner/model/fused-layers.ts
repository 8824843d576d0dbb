import type { TransformerConfig } from './config.ts';
import type { Edge, GraphBuilder } from './graph.ts';
import type { Axis } from './onnx.ts';
import { attention, binary, CONTRIB, cast, lastOf, linear, reshape, rotate, slice } from './ops.ts';
import { positionsOf, type SliceInputs, type SliceOptions } from './slice-options.ts';

/**
 * The layers of a slice for CUDA, in few kernels (docs/wan.md#a-layer): every one that is bound by memory reads and writes the compute
 * type and sums in float32 by itself.
 * - A residual's addition, with the bias of the product before it, is one kernel with the norm after it. So that the cut into
 *   slices cannot change a bit, the first norm of a slice is the same kernel with nothing added.
 * - Biases of queries and keys are added where these are normed; keys are kept without theirs.
 * - Values never get their bias: scores of a row sum to one, so it is added to the product after attention, where the graph is
 *   loaded. Kept values are without it too.
 * - Keys and values of the window and of its contexts are joined in one piece of memory that all layers share: each is written
 *   to its place in it. An operator that joins (`Concat`) would have its index tables copied from the host at every run.
 *   The window's own come first: they are what a layer has to wait for, so none writes while the one before still reads.
 * - Queries are turned from their own position on, by the tables of the keys.
 */
export function fusedLayers(
  g: GraphBuilder,
  config: TransformerConfig,
  options: SliceOptions,
  x: Edge,
  shared: SliceInputs,
): Edge {
  const { firstLayer, endLayer, dtype } = options;
  const tables = { ...shared, cos: cast(g, shared.cos, dtype), sin: cast(g, shared.sin, dtype) };
  const joint = options.contextTokens > 0 ? jointOf(g, config, options) : null;
  const layers = Array.from({ length: endLayer - firstLayer }, (_, index) => {
    return { ...layerOf(g, config, options, firstLayer + index, shared.tproj), joint };
  });
  let [sum, normed] = addAndNorm(layers[0]!, x, nothing(g, config, dtype), layers[0]!.modulation);
  for (const [index, layer] of layers.entries()) {
    [sum, normed] = fusedLayer(layer, sum, normed, tables, layers[index + 1]?.modulation ?? layer.plain);
  }
  return sum;
}

/** Scale and shift `[D]` of a norm. */
interface Affine {
  readonly scale: Edge;
  readonly shift: Edge;
}

/** Memory for keys and values of window and contexts, and where in it the window's and the right context's begin. */
interface Joint {
  readonly k: Edge;
  readonly v: Edge;
  readonly zero: Edge;
  readonly ownStart: Edge;
  readonly rightStart: Edge;
}

/** What the caller binds for {@link Joint}; every output that joins is to be bound to the same memory, then nothing is copied twice. */
function jointOf(g: GraphBuilder, { width: D }: TransformerConfig, options: SliceOptions): Joint {
  const shape = [1, positionsOf(options), D];
  const zero = g.constant(BigInt64Array.of(0n), 'I64', [1]);
  return {
    k: g.input('jointk', options.dtype, shape),
    v: g.input('jointv', options.dtype, shape),
    zero,
    ownStart: options.reusesLeft === true ? g.input('ownstart', 'I64', [1]) : zero,
    rightStart: g.input('rightstart', 'I64', [1]),
  };
}

interface Layer {
  readonly g: GraphBuilder;
  readonly config: TransformerConfig;
  readonly options: SliceOptions;
  readonly index: number;
  /** Of the norm before self-attention and of that before the feed-forward. */
  readonly modulation: Affine;
  readonly modulation2: Affine;
  /** Of the norm before cross-attention. */
  readonly plain: Affine;
  /** `[1, 1, D]`. */
  readonly gate: Edge;
  readonly gate2: Edge;
  /** Null where nothing is kept for neighbours. */
  readonly joint: Joint | null;
}

function layerOf(
  g: GraphBuilder,
  config: TransformerConfig,
  options: SliceOptions,
  index: number,
  tproj: Edge,
): Omit<Layer, 'joint'> {
  const { width: D } = config;
  const block = `blocks.${index}`;
  // Scales are 1 + what is stored; the addition of constants is done where the graph is loaded.
  const ones = g.constant(Float32Array.of(0, 1, 0, 0, 1, 0), 'F32', [1, 6, 1]);
  const stored = binary(g, 'Add', g.weight(`${block}.scale_shift_table`, [1, 6, D], 'F32'), ones);
  const table = cast(g, binary(g, 'Add', stored, tproj), options.dtype);
  const [shift, scale, gate, shift2, scale2, gate2] = g.split(table, 1, 6) as [Edge, Edge, Edge, Edge, Edge, Edge];
  const flat = (edge: Edge) => reshape(g, edge, [D]);
  return {
    g,
    config,
    options,
    index,
    modulation: { scale: flat(scale), shift: flat(shift) },
    modulation2: { scale: flat(scale2), shift: flat(shift2) },
    plain: {
      scale: g.weight(`${block}.norm2.weight`, [D], options.dtype),
      shift: g.weight(`${block}.norm2.bias`, [D], options.dtype),
    },
    gate,
    gate2,
  };
}

function fusedLayer(layer: Layer, x: Edge, normed: Edge, tables: SliceInputs, next: Affine): readonly [Edge, Edge] {
  const { g, config, options, gate, gate2 } = layer;
  const { width: D, feedForwardWidth } = config;
  const block = `blocks.${layer.index}`;
  const flat = (edge: Edge) => reshape(g, edge, [D]);
  const bias = (name: string, width = D) => g.weight(`${block}.${name}.bias`, [width], options.dtype);

  const own = product(layer, 'attn1.to_out.0', selfAttention(layer, normed, tables));
  const ownBias = flat(binary(g, 'Mul', gate, outputBias(layer)));
  const [after, crossIn] = addAndNorm(layer, binary(g, 'Mul', own, gate), x, layer.plain, ownBias);

  const query = biasedRmsNorm(layer, product(layer, 'attn2.to_q', crossIn), 'attn2.to_q', 'attn2.norm_q');
  const key = g.input(`crossk.${layer.index}`, options.dtype, [1, 'L', D]);
  const value = g.input(`crossv.${layer.index}`, options.dtype, [1, 'L', D]);
  const cross = product(layer, 'attn2.to_out.0', attention(g, query, key, value, config.heads, options));
  const [told, forwardIn] = addAndNorm(layer, cross, after, layer.modulation2, bias('attn2.to_out.0'));

  const hidden = product(layer, 'ffn.net.0.proj', forwardIn, D, feedForwardWidth);
  const inputs = [hidden, bias('ffn.net.0.proj', feedForwardWidth)];
  const active = g.node('FastGelu', inputs, { dtype: options.dtype, shape: hidden.shape }, {}, CONTRIB);
  const out = product(layer, 'ffn.net.2', active, feedForwardWidth, D);
  const outBias = flat(binary(g, 'Mul', gate2, reshape(g, bias('ffn.net.2'), [1, 1, D])));
  return addAndNorm(layer, binary(g, 'Mul', out, gate2), told, next, outBias);
}

function selfAttention(layer: Layer, y: Edge, tables: SliceInputs): Edge {
  const { g, config, options, joint } = layer;
  const { heads } = config;
  const turned = (edge: Edge, name: string, from?: Edge) =>
    rotate(g, biasedRmsNorm(layer, edge, `attn1.to_${name}`, `attn1.norm_${name}`), tables, heads, from);
  const query = turned(product(layer, 'attn1.to_q', y), 'q', joint?.ownStart);
  let key = product(layer, 'attn1.to_k', y);
  let value = product(layer, 'attn1.to_v', y);
  if (joint !== null) {
    keep(layer, 'k', key);
    keep(layer, 'v', value);
    key = join(layer, joint, 'k', key);
    value = join(layer, joint, 'v', value);
  }
  return attention(g, query, turned(key, 'k'), value, heads, options);
}

/** What is left for the neighbours: the first of a block's own keys or values, and its last where the right one uses them again. */
function keep({ g, options, index }: Layer, letter: 'k' | 'v', own: Edge): void {
  const { contextTokens: K, reusesLeft } = options;
  const from = reusesLeft === true ? 0 : K;
  g.output(`keep${letter}.${index}`, slice(g, own, 1, from, from + K));
  if (reusesLeft === true) g.output(`tail${letter}.${index}`, lastOf(g, own, 1, K));
}

/** The window's keys or values and those of its contexts, in the joint memory. */
function join({ g, config, options, index }: Layer, joint: Joint, letter: 'k' | 'v', own: Edge): Edge {
  const context = (side: 'left' | 'right', length: 'P' | 'R') =>
    g.input(`${side}${letter}.${index}`, options.dtype, [1, length, config.width]);
  const memory = joint[letter];
  const written = (name: string, from: Edge, part: Edge, start: Edge) => {
    const { dtype, shape } = memory;
    const edge = g.node('TensorScatter', [from, part, start], { dtype, shape }, { axis: 1n });
    g.output(`${name}${letter}.${index}`, edge);
    return edge;
  };
  let all = written('begun', memory, own, joint.ownStart);
  if (options.reusesLeft === true) all = written('grown', all, context('left', 'P'), joint.zero);
  return written('joined', all, context('right', 'R'), joint.rightStart);
}

/** `x·Wᵀ` for `x [1, rows, from]`, without the bias: a kernel that comes later adds it in passing. */
function product({ g, config, options, index }: Layer, name: string, x: Edge, from = config.width, to = config.width) {
  const rows = x.shape[1]!;
  const stored = { name: `blocks.${index}.${name}`, from, to, bias: false };
  return reshape(g, linear(g, reshape(g, x, [rows, from]), stored, options.dtype), [1, rows, to]);
}

/** Norm over the width of `x + bias`, by root mean square. To the kernel every row is a text of its own, and the bias their one residual. */
function biasedRmsNorm({ g, config, options, index }: Layer, x: Edge, linearName: string, norm: string): Edge {
  const { width: D, epsilon } = config;
  const { dtype } = options;
  const shape: readonly Axis[] = [x.shape[1]!, 1, D];
  const bias = g.weight(`blocks.${index}.${linearName}.bias`, [D], dtype, [1, 1, D]);
  const inputs = [reshape(g, x, shape), bias, g.weight(`blocks.${index}.${norm}.weight`, [D], dtype)];
  const normed = g.node('SkipSimplifiedLayerNormalization', inputs, { dtype, shape }, { epsilon }, CONTRIB);
  return reshape(g, normed, x.shape);
}

/** `sum = branch + bias + residual`, rounded to the compute type, and its norm over the width. */
function addAndNorm(
  { g, config, options }: Layer,
  branch: Edge,
  residual: Edge,
  { scale, shift }: Affine,
  bias: Edge | null = null,
): readonly [sum: Edge, normed: Edge] {
  const { width: D, epsilon } = config;
  const rows = branch.shape[1]!;
  const alone = residual.shape[1] === 1;
  const input = alone ? reshape(g, branch, [rows, 1, D]) : branch;
  const result = { dtype: options.dtype, shape: input.shape };
  const inputs = [input, residual, scale, shift, bias];
  const results = [result, null, null, result] as const;
  const [normed, , , sum] = g.nodeOfMany('SkipLayerNormalization', inputs, results, { epsilon }, CONTRIB);
  return alone ? [branch, reshape(g, normed, [1, rows, D])] : [sum, normed];
}

/** A residual that changes nothing, for every row. */
function nothing(g: GraphBuilder, { width: D }: TransformerConfig, dtype: SliceOptions['dtype']): Edge {
  return g.constant(dtype === 'F32' ? new Float32Array(D) : new Uint16Array(D), dtype, [1, 1, D]);
}

/**
 * `W·(bias of values) + bias` of the product after self-attention, `[1, 1, D]`: summed in float32 where the graph is loaded, since
 * it consists of stored numbers alone.
 */
function outputBias({ g, config, options, index }: Layer): Edge {
  const { width: D } = config;
  const name = `blocks.${index}.attn1`;
  const inputs = [
    g.weight(`${name}.to_v.bias`, [D], 'F32', [1, D]),
    g.weight(`${name}.to_out.0.weight`, [D, D], 'F32'),
    g.weight(`${name}.to_out.0.bias`, [D], 'F32'),
  ];
  const sum = g.node('Gemm', inputs, { dtype: 'F32', shape: [1, D] }, { transB: 1n });
  return reshape(g, cast(g, sum, options.dtype), [1, 1, D]);
}
