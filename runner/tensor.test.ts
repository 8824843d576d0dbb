import { expect, test } from 'vitest';
import { allFinite, allFiniteBytes } from './tensor.ts';

test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%s is noticed wherever it is', (bad) => {
  for (let length = 1; length < 10; length++) {
    expect(allFinite(new Float32Array(length).fill(3.4e38))).toBe(true);
    for (let at = 0; at < length; at++) expect(allFinite(new Float32Array(length).fill(bad, at, at + 1))).toBe(false);
  }
});

test.each([
  { dtype: 'F16' as const, largest: 0x7bff, infinity: 0xfc00, nan: 0x7e01 },
  { dtype: 'BF16' as const, largest: 0xff7f, infinity: 0x7f80, nan: 0xffc1 },
])('$dtype is read by its bits', ({ dtype, largest, infinity, nan }) => {
  const bytes = (...bits: number[]) => new Uint8Array(Uint16Array.from(bits).buffer);
  expect(allFiniteBytes(bytes(0, 0x8000, largest), dtype)).toBe(true);
  for (const bad of [infinity, nan]) expect(allFiniteBytes(bytes(0, bad, 0), dtype)).toBe(false);
});

test('float32 is read through bytes at any place of a buffer', () => {
  const data = new Float32Array([Number.NaN, 1, 2]);
  expect(allFiniteBytes(new Uint8Array(data.buffer, 4), 'F32')).toBe(true);
  expect(allFiniteBytes(new Uint8Array(data.buffer), 'F32')).toBe(false);
});
