import fc from 'fast-check';
import { expect, test } from 'vitest';
import { framesOfSeconds } from './job-spec.ts';

test.each([
  [9.8, 25, 245],
  [5, 16, 81],
  [5.0625, 16, 81],
  [5.063, 16, 85],
  [0.2, 25, 5],
  [0.201, 25, 9],
  [1 / 24, 24, 1],
  [5 / 24, 24, 5],
  [0.001, 1, 1],
  [62_500, 16, 1_000_001],
  [8333.341666666667, 120, 1_000_001],
])('%d s at %d fps are %d frames', (seconds, fps, frames) => {
  expect(framesOfSeconds(seconds, fps)).toBe(frames);
});

test('seconds with up to six decimals give the frames of exact arithmetic, at every fps', () => {
  const micro = fc.oneof(
    fc.integer({ min: 1, max: 62_500_000_000 }),
    fc.integer({ min: 1, max: 625_000 }).map((c) => c * 100_000),
  );
  fc.assert(
    fc.property(micro, fc.integer({ min: 1, max: 120 }), (microseconds, fps) => {
      const above = BigInt(microseconds) * BigInt(fps) - 1_000_000n;
      const latents = above <= 0n ? 0n : (above + 3_999_999n) / 4_000_000n;
      expect(framesOfSeconds(Number(`${microseconds}e-6`), fps)).toBe(Number(latents) * 4 + 1);
    }),
    { numRuns: 5000 },
  );
});
