import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findTorchPython, runPython } from '../../test/torch/python.ts';
import { torchNoise } from './torch-noise.ts';
import { fillTorchNormals, fused } from './torch-normals.ts';
import { torchGenerator } from './torch-random.ts';

const GOLDEN = join(import.meta.dirname, '../../test/golden/noise-torch');

interface Case {
  readonly seed: number;
  readonly shape: readonly number[];
  readonly blocks: number;
  readonly blockLatents: number;
}

interface Drawn extends Case {
  readonly first: readonly number[];
  readonly last: readonly number[];
  readonly sha256: string;
  readonly permutations: readonly (readonly number[])[];
}

const golden = JSON.parse(readFileSync(join(GOLDEN, 'cases.json'), 'utf8')) as readonly Drawn[];

function draw({ seed, shape, blocks, blockLatents }: Case): Drawn {
  const [, channels, poolLatents, height, width] = shape as [number, number, number, number, number];
  const { pool, orders } = torchNoise(seed, { channels, poolLatents, height, width, blocks, blockLatents });
  return {
    ...{ seed, shape: pool.shape, blocks, blockLatents },
    first: [...pool.data.subarray(0, 8)],
    last: [...pool.data.subarray(-8)],
    sha256: createHash('sha256').update(new Uint8Array(pool.data.buffer)).digest('hex'),
    permutations: orders.map((order) => [...order]),
  };
}

describe('noise as PyTorch draws it', () => {
  it.each(golden)('is the stored one, bit for bit: seed $seed, shape $shape', (wanted) => {
    expect(draw(wanted)).toEqual(wanted);
  });

  it('counts only the low 32 bits of a seed', () => {
    const next = torchGenerator(42);
    const other = torchGenerator(42 + 2 ** 32);
    expect(Array.from({ length: 700 }, next)).toEqual(Array.from({ length: 700 }, other));
  });

  it('holds finite numbers with mean 0 and variance 1', () => {
    const values = new Float32Array(200_000);
    fillTorchNormals(values, torchGenerator(3));
    const moment = (power: number) => values.reduce((sum, value) => sum + value ** power, 0) / values.length;
    expect(values.every(Number.isFinite)).toBe(true);
    expect([moment(1), moment(2)].map((value) => Math.round(value * 50) / 50)).toEqual([0, 1]);
  });

  const torch = findTorchPython();
  const reason =
    process.arch === 'x64' ? (torch.ok ? '' : torch.reason) : `skipped: ${process.arch} computes otherwise`;
  const title = reason === '' ? '' : ` (${reason})`;
  it.skipIf(reason !== '')(`is the one that the installed PyTorch draws${title}`, () => {
    const cases: readonly Case[] = [
      { seed: Date.UTC(2026, 0), shape: [1, 16, 12, 60, 104], blocks: 5, blockLatents: 8 },
      ...Array.from({ length: 40 }, (_, i) => ({
        seed: i * 7919,
        shape: [1, 1, 1, 1, 16 + i],
        blocks: i,
        blockLatents: 1 + i,
      })),
    ].map((one) => ({ ...one, blocks: Math.max(1, one.blocks) }));
    const wanted = torch.ok && runPython(torch.python, join(GOLDEN, 'make.py'), cases);
    expect(cases.map(draw)).toEqual(wanted);
  });
});

describe('a fused product and sum', () => {
  const { fround } = Math;

  /** a · b + c exactly, as a whole number of units of 2^-300. */
  const units = (value: number): bigint => {
    const exponent = value === 0 ? 0 : Math.floor(Math.log2(Math.abs(value))) - 60;
    return BigInt(value / 2 ** exponent) * 2n ** BigInt(exponent + 300);
  };

  it('is the float32 number nearest to the exact one', () => {
    const number = fc.float({ min: fround(-4), max: fround(4), noNaN: true }).filter((x) => Math.abs(x) > 1e-9);
    fc.assert(
      fc.property(number, number, number, (a, b, c) => {
        const found = fused(a, b, c);
        const exact = units(a * b) + units(c);
        const distance = (x: number) => (units(x) > exact ? units(x) - exact : exact - units(x));
        const step = 2 ** (Math.floor(Math.log2(Math.abs(found) || 1)) - 24);
        for (const near of [fround(found + step * 2), fround(found - step * 2)]) {
          expect(distance(near) >= distance(found)).toBe(true);
        }
      }),
      { numRuns: 2000, seed: 5 },
    );
  });

  // The product is 2^-24 · (1 − 2^-46): in float64 the sum is exactly halfway between two float32 numbers.
  const [a, b] = [2 ** -24 * (1 + 2 ** -23), 1 - 2 ** -23];
  it.each([
    { what: 'a little below the middle', sum: fused(a, b, 1 + 2 ** -23), wanted: 1 + 2 ** -23 },
    { what: 'a little above the middle', sum: fused(-a, b, 1 + 2 ** -23), wanted: 1 + 2 ** -23 },
    { what: 'in the middle, to the even one', sum: fused(2 ** -24, 1, 1 + 2 ** -23), wanted: 1 + 2 ** -22 },
  ])('rounds once: $what', ({ sum, wanted }) => {
    expect(sum).toBe(wanted);
  });
});
