import { elementCount } from '../tensor.ts';
import { type NoiseShape, type NoiseSource, poolShape } from './noise-pool.ts';
import { fillTorchNormals } from './torch-normals.ts';
import { torchGenerator, torchOrder } from './torch-random.ts';

/**
 * The noise that PyTorch draws on the CPU, bit for bit. With C channels, P latents of a block and its context, latents of
 * h × w, these lines repeat it, for a run of the same seed in PyTorch:
 *
 * ```python
 * generator = torch.Generator().manual_seed(seed)
 * pool = torch.randn(1, C, P, h, w, generator=generator)
 * permutations = [torch.randperm(block_latents, generator=generator) for _ in range(blocks - 1)]
 * ```
 *
 * For a film of one block the pool is what Diffusers' pipeline starts from when it is given that generator. The pool must hold
 * at least sixteen numbers. As in PyTorch, only the seed's low 32 bits count.
 */
export function torchNoise(seed: number, shape: NoiseShape): NoiseSource {
  const generator = torchGenerator(seed);
  const data = new Float32Array(elementCount(poolShape(shape)));
  fillTorchNormals(data, generator);
  const orders = Array.from({ length: shape.blocks - 1 }, () => torchOrder(shape.blockLatents, generator));
  return { pool: { shape: poolShape(shape), data }, orders };
}
