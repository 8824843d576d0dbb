import { expect, test } from 'vitest';
import { diskNeed, judgeDisk, sizeText } from './disk-need.ts';

test('a minute of 480p needs twice its bytes, its pictures, and its latents where they are asked for', () => {
  const film = { width: 832, height: 480, frames: 1025 };
  const { likely, least } = diskNeed(film);
  expect([likely, least]).toEqual([2 * 832 * 480 * 1025 * (0.25 / 8) + 2 ** 20, 2 * 1025 * 16]);
  expect(diskNeed({ ...film, latentsBytes: 5e8 })).toEqual({ likely: likely + 5e8, least: least + 5e8 });
});

test.each([
  [undefined, 'enough'],
  [100, 'enough'],
  [99, 'tight'],
  [10, 'tight'],
  [9, 'impossible'],
] as const)('%s free bytes of 100 likely and 10 least are %s', (free, verdict) => {
  expect(judgeDisk({ likely: 100, least: 10 }, free)).toBe(verdict);
});

test.each([
  [0, '0 bytes'],
  [999, '999 bytes'],
  [1234, '1.23 kB'],
  [25_581_568, '25.6 MB'],
  [3e15, '3000 TB'],
])('%s bytes are %s for people', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});
