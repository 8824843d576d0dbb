import { describe, expect, test } from 'vitest';
import { setting } from '../../test/golden/run-case.ts';
import { readGolden } from '../../test/same-bits/inputs.ts';
import {
  givenNoise,
  independentNoise,
  type NoiseShape,
  type NoiseSource,
  openNoisePool,
  seededNoise,
} from './noise-pool.ts';

const CASES = [
  't6-b4-c2',
  't4-b3-c3',
  't5-b4-c0',
  't6-b4-c2-one-block',
  't4-b4-c2-no-guidance',
  't3-b4-c2-more-blocks-than-steps',
  'two-experts-same-expert',
];

describe.each(CASES)('the noise of %s', (name) => {
  const golden = readGolden(`dualparal/${name}.safetensors`);
  const pool = golden.f32('pool');
  const blocks = setting<number>(golden, 'blocks');
  const blockLatents = setting<number>(golden, 'block_latents');
  const shape: NoiseShape = {
    channels: pool.shape[1]!,
    poolLatents: pool.shape[2]!,
    height: pool.shape[3]!,
    width: pool.shape[4]!,
    blocks,
    blockLatents,
  };

  test('is handed to each block as the reference has it', () => {
    const numbers = blocks > 1 ? golden.integers('permutations').data : [];
    const orders = Array.from({ length: blocks - 1 }, (_, i) =>
      numbers.slice(i * blockLatents, (i + 1) * blockLatents),
    );
    const noise = openNoisePool(givenNoise(pool, orders, shape));
    for (let block = 0; block < blocks; block++) {
      const expected = golden.f32(`noise.${block}`).data;
      const out = new Float32Array(expected.length);
      noise.next(out);
      expect(out, `block ${block}`).toEqual(expected);
    }
  });
});

const SHAPE: NoiseShape = { channels: 2, poolLatents: 5, height: 2, width: 3, blocks: 4, blockLatents: 3 };

/** Latents of a block, each as text: enough to tell them apart. */
function latentsOf(block: Float32Array, count: number): readonly string[] {
  return Array.from({ length: count }, (_, latent) => block.slice(latent * 6, (latent + 1) * 6).join());
}

describe('seeded noise', () => {
  test('never shows a block the noise that its left context holds', () => {
    const noise = openNoisePool(seededNoise(1, SHAPE));
    const first = new Float32Array(2 * 5 * 6);
    noise.next(first);
    let context = latentsOf(first, 5).slice(-2);
    for (let index = 1; index < SHAPE.blocks; index++) {
      const block = new Float32Array(2 * 3 * 6);
      noise.next(block);
      const own = latentsOf(block, 3);
      expect(new Set([...own, ...context]).size).toBe(5);
      context = own.slice(-2);
    }
  });

  test('repeats for a seed, differs between seeds, and does not depend on the number of blocks', () => {
    const source = seededNoise(9, SHAPE);
    expect(seededNoise(9, SHAPE)).toEqual(source);
    expect(seededNoise(10, SHAPE).pool).not.toEqual(source.pool);
    const longer = seededNoise(9, { ...SHAPE, blocks: 9 });
    expect(longer.pool).toEqual(source.pool);
    expect(longer.orders.slice(0, 3)).toEqual(source.orders);
  });
});

describe('independent noise', () => {
  test('gives no latent to two blocks, and begins as coordinated noise does', () => {
    const blocks = (source: NoiseSource) => {
      const noise = openNoisePool(source);
      return [5, 3, 3, 3].map((count) => {
        const block = new Float32Array(2 * count * 6);
        noise.next(block);
        return block;
      });
    };
    const own = blocks(independentNoise(1, SHAPE));
    expect(new Set(own.flatMap((block, index) => latentsOf(block, index === 0 ? 5 : 3))).size).toBe(14);
    expect(own[0]).toEqual(blocks(seededNoise(1, SHAPE))[0]);
    expect(blocks(independentNoise(1, SHAPE))).toEqual(own);
  });
});

describe('given noise that does not fit is refused', () => {
  const pool = { shape: [1, 2, 5, 2, 3], data: new Float32Array(60) };
  const orders = [
    [0, 1, 2],
    [2, 1, 0],
    [1, 0, 2],
  ];
  test.each([
    {
      what: 'a pool of another shape',
      act: () => givenNoise({ ...pool, shape: [1, 2, 6, 2, 3] }, orders, SHAPE),
      message:
        'the noise pool has shape [1, 2, 6, 2, 3], this run needs [1, 2, 5, 2, 3]: channels, latents, height, width of one block and its context',
    },
    {
      what: 'too few permutations',
      act: () => givenNoise(pool, orders.slice(1), SHAPE),
      message: 'the noise has 2 permutations of later blocks, this run of 4 blocks needs 3',
    },
    {
      what: 'a permutation with a repeated number',
      act: () => givenNoise(pool, [[0, 1, 1], ...orders.slice(1)], SHAPE),
      message: 'permutation 0 of the noise is [0, 1, 1], it must hold each of 0 … 2 once',
    },
  ])('$what', ({ act, message }) => {
    expect(act).toThrow(expect.objectContaining({ message, exit: 'spec' }));
  });
});
