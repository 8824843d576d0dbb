import type { TransformerConfig } from './config.ts';
import { type LatentWindow, tokensPerLatent } from './embed.ts';
import { type Graph, graphBuilder, type TensorIndex } from './graph.ts';
import { binary, type Compute, cast, layerNorm, linear, reshape, scalar, transpose } from './ops.ts';

/**
 * The prediction of a window (docs/wan.md#head): in `x [1, S, D]` in the compute type and `temb [1, D]` float32, out
 * `velocity [1, C, F, H, W]` float32.
 */
export function headGraph(
  config: TransformerConfig,
  tensors: TensorIndex,
  window: LatentWindow,
  compute: Compute,
): Graph {
  const { width: D, latentChannels: C, epsilon } = config;
  const { frames: F, height: H, width: W } = window;
  const S = F * tokensPerLatent(window);
  const g = graphBuilder('head', tensors);
  const x = g.input('x', compute.dtype, [1, S, D]);
  const temb = g.input('temb', 'F32', [1, D]);
  const table = g.weight('scale_shift_table', [1, 2, D], 'F32', [2, D]);
  const [shift, scale] = g.split(binary(g, 'Add', table, temb), 0, 2);
  const one = scalar(g, 1);
  const y = layerNorm(g, x, reshape(g, binary(g, 'Add', scale!, one), [D]), reshape(g, shift!, [D]), epsilon);
  const out = linear(g, reshape(g, y, [S, D]), { name: 'proj_out', from: D, to: C * 4 }, compute.dtype);
  const patches = reshape(g, out, [F, H / 2, W / 2, 2, 2, C]);
  const velocity = reshape(g, transpose(g, patches, [5, 0, 1, 3, 2, 4]), [1, C, F, H, W]);
  g.output('velocity', cast(g, velocity, 'F32'));
  return g.finish();
}
