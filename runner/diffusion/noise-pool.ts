import { elementCount, type F32Tensor } from '../tensor.ts';
import { noiseError } from './errors.ts';
import { fillNormals, randomOrder, STREAMS } from './random.ts';

/** Sizes of the noise of a run. C = channels, P = latents of the pool (a block and its context), h, w = latent height, width. */
export interface NoiseShape {
  readonly channels: number;
  readonly poolLatents: number;
  readonly height: number;
  readonly width: number;
  readonly blocks: number;
  readonly blockLatents: number;
}

/**
 * All the randomness of a run, as plain data: one pool `[1, C, P, h, w]` that every block draws from, and for each block after
 * the first the order in which the pool's leading `blockLatents` latents are rearranged (docs/dualparal.md#coordinated-noise).
 */
export interface NoiseSource {
  readonly pool: F32Tensor;
  readonly orders: readonly Int32Array[];
  /** The pool holds latents of its own for every block, `[1, C, P + (blocks − 1) · blockLatents, h, w]`, and no order counts. */
  readonly isIndependent?: true;
}

/** Noise drawn from a seed. Each latent and each order has counters of its own, so none depends on how many are drawn. */
export function seededNoise(seed: number, shape: NoiseShape): NoiseSource {
  const orders = Array.from({ length: shape.blocks - 1 }, (_, index) =>
    randomOrder(shape.blockLatents, seed, STREAMS.permutation, index + 1),
  );
  return { pool: seededPool(seed, shape), orders };
}

/**
 * Noise that no block shares with another, to compare coordinated noise with. The first block has that of {@link seededNoise}.
 * Takes memory for the whole film.
 */
export function independentNoise(seed: number, shape: NoiseShape): NoiseSource {
  const poolLatents = shape.poolLatents + (shape.blocks - 1) * shape.blockLatents;
  return { pool: seededPool(seed, { ...shape, poolLatents }), orders: [], isIndependent: true };
}

function seededPool(seed: number, shape: NoiseShape): F32Tensor {
  const { channels, poolLatents, height, width } = shape;
  const pool = new Float32Array(channels * poolLatents * height * width);
  const latent = new Float32Array(channels * height * width);
  const plane = height * width;
  for (let index = 0; index < poolLatents; index++) {
    fillNormals(latent, seed, STREAMS.noise, index);
    for (let channel = 0; channel < channels; channel++) {
      const values = latent.subarray(channel * plane, (channel + 1) * plane);
      pool.set(values, (channel * poolLatents + index) * plane);
    }
  }
  return { shape: poolShape(shape), data: pool };
}

/** Noise that somebody else drew. Throws `E_NOISE_POOL`, `E_NOISE_ORDERS` or `E_NOISE_ORDER` where it does not fit the run. */
export function givenNoise(pool: F32Tensor, orders: readonly ArrayLike<number>[], shape: NoiseShape): NoiseSource {
  const wanted = poolShape(shape);
  if (pool.shape.join() !== wanted.join() || pool.data.length !== elementCount(wanted)) {
    throw noiseError('E_NOISE_POOL', { found: pool.shape.join(', '), wanted: wanted.join(', ') });
  }
  if (orders.length !== shape.blocks - 1) {
    throw noiseError('E_NOISE_ORDERS', { found: orders.length, wanted: shape.blocks - 1, blocks: shape.blocks });
  }
  const checked = orders.map((order, index) => checkedOrder(Array.from(order), index, shape.blockLatents));
  return { pool, orders: checked };
}

function checkedOrder(order: readonly number[], index: number, length: number): Int32Array {
  const sorted = [...order].sort((a, b) => a - b);
  if (order.length !== length || sorted.some((value, position) => value !== position)) {
    throw noiseError('E_NOISE_ORDER', { index, found: order.join(', '), last: length - 1 });
  }
  return Int32Array.from(order);
}

/** Shape of the pool: `[1, C, P, h, w]`. */
export function poolShape({ channels, poolLatents, height, width }: NoiseShape): readonly number[] {
  return [1, channels, poolLatents, height, width];
}

/** Hands out each block's first noise, in block order. */
export interface NoisePool {
  /** Writes the next block's noise `[1, C, F, h, w]`: the whole pool for block 0, its last `blockLatents` latents later. */
  next(out: Float32Array): void;
  /** Passes over the noise of the next blocks, the first `count` of the film, which have drawn it already. */
  skip(count: number): void;
}

/** The pool at block 0. Only indices are rearranged; the noise itself stays where it is. */
export function openNoisePool({ pool, orders, isIndependent }: NoiseSource): NoisePool {
  const [, channels = 0, latents = 0, height = 0, width = 0] = pool.shape;
  const plane = height * width;
  let arrangement = Array.from({ length: latents }, (_, index) => index);
  let block = 0;
  let taken = 0;

  function gather(out: Float32Array, latentIndices: readonly number[]): void {
    for (let channel = 0; channel < channels; channel++) {
      for (const [position, index] of latentIndices.entries()) {
        const from = (channel * latents + index) * plane;
        out.set(pool.data.subarray(from, from + plane), (channel * latentIndices.length + position) * plane);
      }
    }
  }

  function nextOwn(out: Float32Array): void {
    const count = out.length / (channels * plane);
    gather(out, arrangement.slice(taken, taken + count));
    taken += count;
  }

  function rearrange(): Int32Array | undefined {
    const order = orders[block - 1];
    if (order !== undefined) arrangement = rearranged(arrangement, order);
    block++;
    return order;
  }

  function nextShared(out: Float32Array): void {
    const order = rearrange();
    gather(out, order === undefined ? arrangement : arrangement.slice(-order.length));
  }

  function skip(count: number): void {
    if (isIndependent === true && count > 0)
      throw new RangeError('noise of which no block shares any is not for films that go on');
    for (let skipped = 0; skipped < count; skipped++) rearrange();
  }

  return { next: isIndependent === true ? nextOwn : nextShared, skip };
}

/** The last latents, which the new block's left neighbour holds, move to the front; the others follow in a new order. */
function rearranged(arrangement: readonly number[], order: Int32Array): number[] {
  const others = Array.from(order, (position) => arrangement[position]!);
  return [...arrangement.slice(order.length), ...others];
}
