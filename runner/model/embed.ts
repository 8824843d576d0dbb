import type { TransformerConfig } from './config.ts';
import { type Graph, graphBuilder, type TensorIndex } from './graph.ts';
import { type Compute, cast, reshape, transpose } from './ops.ts';

/** A window of latents: what one block-step sees. Height and width are even (patches of 1 × 2 × 2). */
export interface LatentWindow {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/** Tokens of one latent frame. */
export function tokensPerLatent(window: Pick<LatentWindow, 'height' | 'width'>): number {
  return (window.height / 2) * (window.width / 2);
}

/** Patches of a window: in `latents [1, C, F, H, W]` float32, out `x [1, S, D]` in the compute type (docs/wan.md#patch-embedding). */
export function embedGraph(
  config: TransformerConfig,
  tensors: TensorIndex,
  window: LatentWindow,
  compute: Compute,
): Graph {
  const { width: D, latentChannels: C } = config;
  const { frames: F, height: H, width: W } = window;
  const S = F * tokensPerLatent(window);
  const g = graphBuilder('embed', tensors);
  const latents = g.input('latents', 'F32', [1, C, F, H, W]);
  const cut = reshape(g, latents, [C, F, H / 2, 2, W / 2, 2]);
  const patches = reshape(g, transpose(g, cut, [1, 2, 4, 0, 3, 5]), [S, C * 4]);
  const weight = g.weight('patch_embedding.weight', [D, C, 1, 2, 2], compute.dtype, [D, C * 4]);
  const inputs = [cast(g, patches, compute.dtype), weight, g.weight('patch_embedding.bias', [D], compute.dtype)];
  const x = g.node('Gemm', inputs, { dtype: compute.dtype, shape: [S, D] }, { transB: 1n });
  g.output('x', reshape(g, x, [1, S, D]));
  return g.finish();
}
