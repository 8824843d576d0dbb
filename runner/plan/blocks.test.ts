import fc from 'fast-check';
import { expect, test } from 'vitest';
import { blockSpan, cutIntoBlocks, latentsOfFrames } from './blocks.ts';

test.each([
  { name: '1025 frames', frames: 1025, block: 8, context: 4, blocks: 32, window: 12, surplus: 3 },
  { name: '1025 frames, context 8', frames: 1025, block: 8, context: 8, blocks: 32, window: 16, surplus: 7 },
  { name: 'no context', frames: 61, block: 4, context: 0, blocks: 4, window: 4, surplus: 0 },
  { name: 'just over one block', frames: 49, block: 8, context: 4, blocks: 2, window: 12, surplus: 7 },
])('$name: $blocks blocks, $surplus latents too many', ({ frames, block, context, ...wanted }) => {
  const cut = cutIntoBlocks(latentsOfFrames(frames), block, context);
  expect(cut).toEqual({
    latents: latentsOfFrames(frames),
    blocks: wanted.blocks,
    blockLatents: block,
    contextLatents: context,
    windowLatents: wanted.window,
    surplusLatents: wanted.surplus,
  });
});

test.each([1, 5, 45])('%i frames fit the first block: one block of exactly their length, without context', (frames) => {
  const latents = latentsOfFrames(frames);
  expect(cutIntoBlocks(latents, 8, 4)).toEqual({
    latents,
    blocks: 1,
    blockLatents: latents,
    contextLatents: 0,
    windowLatents: latents,
    surplusLatents: 0,
  });
});

test('the blocks lie end to end and cover the film; less than a block is left over', () => {
  const cuts = fc.integer({ min: 1, max: 40 }).chain((block) => fc.tuple(fc.constant(block), fc.nat(block)));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), cuts, (latents, [block, context]) => {
      const cut = cutIntoBlocks(latents, block, context);
      let end = 0;
      for (let index = 0; index < cut.blocks; index++) {
        const span = blockSpan(cut, index);
        expect(span.firstLatent).toBe(end);
        end += span.latents;
      }
      expect(end - latents).toBe(cut.surplusLatents);
      expect(cut.surplusLatents).toBeLessThan(cut.blockLatents);
      expect(cut.surplusLatents).toBeGreaterThanOrEqual(0);
    }),
    { seed: 3, numRuns: 300 },
  );
});
