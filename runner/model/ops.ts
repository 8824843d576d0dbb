import type { DType, FloatType } from '../tensor.ts';
import { type AttentionOperator, attentionOperator } from './attention-operator.ts';
import type { Edge, GraphBuilder } from './graph.ts';
import type { Axis } from './onnx.ts';

/**
 * Pieces that the graphs share. Shape letters of this folder:
 * S tokens of the input, R tokens of the right context, K tokens kept for the neighbour, L text tokens, D width, T steps,
 * C latent channels, F H W latent frames, height and width, Hd heads.
 */

/** How a graph computes: for which kind of device, and in what type its matrix work is. */
export interface Compute {
  readonly attention: 'cpu' | 'cuda';
  readonly dtype: FloatType;
  /** Compute capability of a GPU, by which operators are chosen; the newest kind where absent. */
  readonly capability?: number;
  /** Attention of the transformer on CUDA; by `attentionOperator` where absent. */
  readonly operator?: AttentionOperator;
}

export const CONTRIB = 'com.microsoft';

export function cast(g: GraphBuilder, x: Edge, dtype: DType): Edge {
  return x.dtype === dtype ? x : g.node('Cast', [x], { dtype, shape: x.shape }, { to: { dtype } });
}

/** `x` seen as `shape`; at most one axis may be a name. */
export function reshape(g: GraphBuilder, x: Edge, shape: readonly Axis[]): Edge {
  const target = BigInt64Array.from(shape, (axis) => (typeof axis === 'number' ? BigInt(axis) : -1n));
  return g.node('Reshape', [x, g.constant(target, 'I64', [shape.length])], { dtype: x.dtype, shape });
}

export function transpose(g: GraphBuilder, x: Edge, order: readonly number[]): Edge {
  const shape = order.map((axis) => x.shape[axis] as Axis);
  return g.node('Transpose', [x], { dtype: x.dtype, shape }, { perm: order.map(BigInt) });
}

export function concat(g: GraphBuilder, parts: readonly Edge[], axis: number, length: Axis): Edge {
  const [first] = parts as [Edge];
  if (parts.length === 1) return first;
  const shape = first.shape.with(axis, length);
  return g.node('Concat', parts, { dtype: first.dtype, shape }, { axis: BigInt(axis) });
}

/** `x[start … end)` along an axis. */
export function slice(g: GraphBuilder, x: Edge, axis: number, start: number, end: number): Edge {
  const at = (value: number) => g.constant(BigInt64Array.of(BigInt(value)), 'I64', [1]);
  const shape = x.shape.with(axis, end - start);
  return g.node('Slice', [x, at(start), at(end), at(axis)], { dtype: x.dtype, shape });
}

/** The last `count` of an axis, however long it is. */
export function lastOf(g: GraphBuilder, x: Edge, axis: number, count: number): Edge {
  const at = (value: bigint) => g.constant(BigInt64Array.of(value), 'I64', [1]);
  const shape = x.shape.with(axis, count);
  const inputs = [x, at(BigInt(-count)), at(2n ** 63n - 1n), at(BigInt(axis))];
  return g.node('Slice', inputs, { dtype: x.dtype, shape });
}

type BinaryOp = 'Add' | 'Mul' | 'Sub' | 'Div' | 'Max';

/** Elementwise `a op b`; the result has `a`'s shape unless another is given. */
export function binary(g: GraphBuilder, op: BinaryOp, a: Edge, b: Edge, shape: readonly Axis[] = a.shape): Edge {
  return g.node(op, [a, b], { dtype: a.dtype, shape });
}

export function unary(g: GraphBuilder, op: 'Sigmoid' | 'Tanh' | 'Sqrt', x: Edge): Edge {
  return g.node(op, [x], { dtype: x.dtype, shape: x.shape });
}

export function silu(g: GraphBuilder, x: Edge): Edge {
  return binary(g, 'Mul', x, unary(g, 'Sigmoid', x));
}

/** GELU by its tanh formula, as Wan and UMT5 use it. */
export function geluTanh(g: GraphBuilder, x: Edge): Edge {
  return g.node('Gelu', [x], { dtype: x.dtype, shape: x.shape }, { approximate: 'tanh' });
}

/** A float32 constant of one element. */
export function scalar(g: GraphBuilder, value: number): Edge {
  return g.constant(Float32Array.of(value), 'F32', []);
}

/** Widths and names of a stored linear layer: `weight [to, from]`, `bias [to]`. */
export interface Linear {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly bias?: boolean;
}

/** `x·Wᵀ + b` for `x [rows, from]`, on the weight as it is stored. */
export function linear(g: GraphBuilder, x: Edge, layer: Linear, dtype: FloatType): Edge {
  const { name, from, to } = layer;
  const inputs = [cast(g, x, dtype), g.weight(`${name}.weight`, [to, from], dtype)];
  if (layer.bias !== false) inputs.push(g.weight(`${name}.bias`, [to], dtype));
  return g.node('Gemm', inputs, { dtype, shape: [x.shape[0] as Axis, to] }, { transB: 1n });
}

/** Normalisation over the last axis in float32: `(x − mean)/√(var + ε) · scale + shift`. */
export function layerNorm(g: GraphBuilder, x: Edge, scale: Edge, shift: Edge, epsilon: number): Edge {
  const wide = cast(g, x, 'F32');
  return g.node('LayerNormalization', [wide, scale, shift], { dtype: 'F32', shape: x.shape }, { axis: -1n, epsilon });
}

/** `x/√(mean(x²) + ε) · weight` over the last axis, in float32. */
export function rmsNorm(g: GraphBuilder, x: Edge, weight: string, width: number, epsilon: number): Edge {
  const inputs = [cast(g, x, 'F32'), g.weight(weight, [width], 'F32')];
  return g.node('RMSNormalization', inputs, { dtype: 'F32', shape: x.shape }, { axis: -1n, epsilon });
}

/** Cosines and sines of every position, `[tokens, headWidth / 2]`. */
export interface RotaryInputs {
  readonly cos: Edge;
  readonly sin: Edge;
}

/** Turns interleaved pairs of every head by the tables' angles, from position `start [1]` int64 on, or from 0. */
export function rotate(g: GraphBuilder, x: Edge, { cos, sin }: RotaryInputs, heads: number, from?: Edge): Edge {
  const start = from ?? g.constant(BigInt64Array.of(0n), 'I64', [1]);
  const attributes = { interleaved: 1n, num_heads: BigInt(heads) };
  return g.node('RotaryEmbedding', [x, start, cos, sin], { dtype: x.dtype, shape: x.shape }, attributes, CONTRIB);
}

/**
 * Softmax attention without a mask: `q [1, S, D]` over `k, v [1, S', D]`, scale 1/√(head width).
 * Every operator is fused: none ever holds the S × S' scores.
 */
export function attention(g: GraphBuilder, q: Edge, k: Edge, v: Edge, heads: number, compute: Compute): Edge {
  const operator =
    compute.attention === 'cpu'
      ? 'MultiHeadAttention'
      : (compute.operator ?? attentionOperator(compute.dtype, compute.capability));
  const result = { dtype: q.dtype, shape: q.shape };
  const count = BigInt(heads);
  if (operator === 'MultiHeadAttention') return g.node(operator, [q, k, v], result, { num_heads: count }, CONTRIB);
  return g.node(operator, [q, k, v], result, { q_num_heads: count, kv_num_heads: count });
}
