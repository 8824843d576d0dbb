import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limitPicture } from './limit.ts';
import { createMosaic } from './mosaic.ts';
import { blendAbove, blendLeft, needsTiles, spansOf, TILING } from './tiles.ts';

describe('tiles along a side', () => {
  it.each([
    { length: 60, spans: ['0+32', '24+32', '48+12'] },
    { length: 104, spans: ['0+32', '24+32', '48+32', '72+32', '96+8'] },
    { length: 32, spans: ['0+32', '24+8'] },
    { length: 24, spans: ['0+24'] },
    { length: 1, spans: ['0+1'] },
  ])('lie as in the reference on $length latents', ({ length, spans }) => {
    expect(spansOf(TILING, length).map((span) => `${span.start}+${span.length}`)).toEqual(spans);
  });

  it.each([
    [32, 32, false],
    [33, 8, true],
    [8, 33, true],
  ])('are needed for %s × %s latents: %s', (height, width, needed) => {
    expect(needsTiles(TILING, height, width)).toBe(needed);
  });
});

describe('blending', () => {
  const extent = { pictures: 1, height: 3, width: 2 };

  it('fades the rows above into the own ones, and leaves the rest', () => {
    const tile = Float32Array.of(10, 20, 10, 20, 10, 20);
    blendAbove(tile, extent, Float32Array.of(0, 4, 8, 12), 2);
    expect([...tile]).toEqual([0, 4, 9, 16, 10, 20]);
  });

  it('meets only the last rows above when the tile ends before they do', () => {
    const tile = Float32Array.of(10, 20);
    blendAbove(tile, { pictures: 1, height: 1, width: 2 }, Float32Array.of(0, 4, 8, 12), 2);
    expect([...tile]).toEqual([8, 12]);
  });

  it('fades the columns on the left into the own ones, picture by picture', () => {
    const tile = Float32Array.of(10, 10, 10, 20, 20, 20);
    blendLeft(tile, { pictures: 2, height: 1, width: 3 }, Float32Array.of(0, 4, 8, 12), 2);
    expect([...tile]).toEqual([0, 7, 10, 8, 16, 20]);
  });
});

describe('a mosaic', () => {
  const tiling = { size: 3, stride: 2 };

  it('of tiles that show the same picture is that picture', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom(1, 4),
        (h, w, frames) => {
          const [height, width] = [h * 8, w * 8];
          const value = (picture: number, y: number, x: number) => Math.sin(picture * 7 + y * 0.9 + x * 0.3);
          const draw = (top: number, left: number, tall: number, wide: number) =>
            Float32Array.from({ length: 3 * frames * tall * wide }, (_, i) =>
              value(Math.floor(i / tall / wide), top + (Math.floor(i / wide) % tall), left + (i % wide)),
            );
          const mosaic = createMosaic(tiling, spansOf(tiling, h), spansOf(tiling, w));
          for (const tile of mosaic.tiles) {
            const { vertical, horizontal } = tile;
            const planes = draw(vertical.start * 8, horizontal.start * 8, vertical.length * 8, horizontal.length * 8);
            mosaic.place(tile, planes, frames);
          }
          const picture = mosaic.picture(frames);
          const whole = draw(0, 0, height, width);
          expect(picture.length).toBe(whole.length);
          expect(picture.every((found, i) => Math.abs(found - whole[i]!) < 1e-6)).toBe(true);
        },
      ),
      { numRuns: 60, seed: 11 },
    );
  });

  it('is limited to [−1, 1] after blending, not before', () => {
    const mosaic = createMosaic(tiling, spansOf(tiling, 1), spansOf(tiling, 3));
    const [first, second] = mosaic.tiles;
    mosaic.place(first!, new Float32Array(3 * 8 * 24).fill(-3), 1);
    mosaic.place(second!, new Float32Array(3 * 8 * 8).fill(1), 1);
    // From −3 to 1 over eight columns: −3, −2.5 … 0.5.
    const picture = mosaic.picture(1);
    expect(limitPicture(picture)).toBe(true);
    expect([...picture.subarray(15, 24)]).toEqual([-1, -1, -1, -1, -1, -1, -0.5, 0, 0.5]);
  });
});
