import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fillNormals, normalQuantile, philox, randomOrder, STREAMS } from './random.ts';

describe('Philox4x32-10', () => {
  // Known answers of the authors' Random123 library (kat_vectors).
  const cases = [
    { counter: [0, 0, 0, 0], key: [0, 0], expected: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
    {
      counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      key: [0xffffffff, 0xffffffff],
      expected: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    },
    {
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      key: [0xa4093822, 0x299f31d0],
      expected: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    },
  ] as const;

  test.each(cases)('gives the known answer for counter $counter', ({ counter, key, expected }) => {
    const block = Uint32Array.from(counter);
    philox(block, key[0], key[1]);
    expect([...block]).toEqual(expected);
  });
});

describe('normal numbers', () => {
  // Values of Python's statistics.NormalDist().inv_cdf.
  test.each([
    { p: 0.5, x: 0 },
    { p: 0.975, x: 1.9599639845400536 },
    { p: 0.05, x: -1.6448536269514726 },
    { p: 2 ** -33, x: -6.337957754553789 },
    { p: 0.9999, x: 3.719016485455709 },
  ])('the quantile of $p is $x', ({ p, x }) => {
    expect(normalQuantile(p)).toBeCloseTo(x, 12);
  });

  test('have mean 0, variance 1, no skew and the kurtosis of a normal distribution', () => {
    const values = new Float32Array(200_000);
    fillNormals(values, 42, STREAMS.noise, 0);
    const moment = (power: number) => values.reduce((sum, value) => sum + value ** power, 0) / values.length;
    const moments = [moment(1), moment(2), moment(3), moment(4)];
    [0, 1, 0, 3].forEach((expected, index) => {
      expect(Math.abs(moments[index]! - expected)).toBeLessThan(0.05);
    });
  });

  test('depend on seed, stream and index, and not on how many are drawn', () => {
    const draw = (length: number, seed: number, index: number) => {
      const values = new Float32Array(length);
      fillNormals(values, seed, STREAMS.noise, index);
      return [...values];
    };
    const first = draw(7, 1, 0);
    expect(draw(20, 1, 0).slice(0, 7)).toEqual(first);
    for (const other of [draw(7, 2, 0), draw(7, 1, 1), draw(7, 1 + 2 ** 32, 0)]) expect(other).not.toEqual(first);
  });

  test('stay the same from version to version: seeds that people noted down keep their films', () => {
    const values = new Float32Array(5);
    fillNormals(values, 42, STREAMS.noise, 3);
    expect([...values]).toMatchInlineSnapshot(`
      [
        0.5309239625930786,
        0.6464018821716309,
        0.18778467178344727,
        0.06527800858020782,
        0.7374244928359985,
      ]
    `);
  });
});

describe('a random order', () => {
  test('holds every number once and repeats for the same seed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), fc.maxSafeNat(), fc.nat(1000), (length, seed, index) => {
        const order = randomOrder(length, seed, STREAMS.permutation, index);
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, position) => position));
        expect(randomOrder(length, seed, STREAMS.permutation, index)).toEqual(order);
      }),
      { numRuns: 100, seed: 7 },
    );
  });

  test('takes every order about equally often', () => {
    const counts = new Map<string, number>();
    for (let index = 0; index < 6000; index++) {
      const key = randomOrder(3, 5, STREAMS.permutation, index).join('');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });
});
