import type { TransformerConfig } from './config.ts';
import { type Graph, graphBuilder, type TensorIndex } from './graph.ts';
import { type Compute, geluTanh, linear, reshape, silu } from './ops.ts';

/**
 * The timesteps of a run (docs/wan.md#timesteps-and-text), in float32 whatever the compute type.
 * In `sinusoid [T, timeWidth]`; out `temb [T, D]` for the head and `tproj [T, 6, D]` for the layers: one row per step.
 */
export function timeGraph(config: TransformerConfig, tensors: TensorIndex): Graph {
  const { width: D, timeWidth } = config;
  const g = graphBuilder('time', tensors);
  const sinusoid = g.input('sinusoid', 'F32', ['T', timeWidth]);
  const name = 'condition_embedder.time_embedder';
  const hidden = silu(g, linear(g, sinusoid, { name: `${name}.linear_1`, from: timeWidth, to: D }, 'F32'));
  const temb = linear(g, hidden, { name: `${name}.linear_2`, from: D, to: D }, 'F32');
  const projection = { name: 'condition_embedder.time_proj', from: D, to: 6 * D };
  g.output('temb', temb);
  g.output('tproj', reshape(g, linear(g, silu(g, temb), projection, 'F32'), ['T', 6, D]));
  return g.finish();
}

/** A prompt for cross-attention: in `text [1, L, textWidth]` float32, out `ctx [1, L, D]` in the compute type. */
export function contextGraph(config: TransformerConfig, tensors: TensorIndex, compute: Compute): Graph {
  const { width: D, textWidth } = config;
  const g = graphBuilder('context', tensors);
  const text = reshape(g, g.input('text', 'F32', [1, 'L', textWidth]), ['L', textWidth]);
  const name = 'condition_embedder.text_embedder';
  const hidden = geluTanh(g, linear(g, text, { name: `${name}.linear_1`, from: textWidth, to: D }, compute.dtype));
  const ctx = linear(g, hidden, { name: `${name}.linear_2`, from: D, to: D }, compute.dtype);
  g.output('ctx', reshape(g, ctx, [1, 'L', D]));
  return g.finish();
}
