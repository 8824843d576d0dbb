import { expect, test } from 'vitest';
import type { Quality } from '#contract/result.ts';
import { describeQuality } from './describe-quality.ts';

const DRIFT = { colour: 1.23, contrast: 1.04, sharpness: 0.912 };
const DRIFT_LINE = '  drift: colour 1.2 of 255, contrast × 1.04, sharpness × 0.91';
const PROMPT = { background: 1, colour: 0.99, shape: 0.5, size: 0.5, step: 0.7, right: false };

test.each<{ what: string; quality: Quality; lines: readonly string[] }>([
  { what: 'a film of one block', quality: { drift: DRIFT, collapsed: false }, lines: [DRIFT_LINE] },
  {
    what: 'a film of blocks, judged by its prompt',
    quality: {
      joins: { count: 9, seamRatio: 1.01, worstSeam: 1.2, continuity: 0.889, continuityInside: 1 },
      drift: DRIFT,
      repetition: 0.12,
      collapsed: false,
      prompt: { ...PROMPT, direction: true },
    },
    lines: [
      '  9 joins between blocks: the picture changes × 1.01 as much there as within blocks, motion continues through 89 % (within blocks: 100 %)',
      `${DRIFT_LINE}; repeats the block before it: 12 %`,
      '  matches the prompt: no (colour 99 %, shape 50 %, background 100 % of the frames; it moves in the direction asked for)',
    ],
  },
  {
    what: 'a still film that falls apart',
    quality: {
      joins: { count: 1, seamRatio: 1, worstSeam: 1 },
      drift: DRIFT,
      collapsed: true,
      prompt: { ...PROMPT, direction: false },
    },
    lines: [
      '  1 join between blocks: the picture changes × 1.00 as much there as within blocks, nothing moves',
      DRIFT_LINE,
      '  the picture falls apart: a quarter of the film shows next to nothing, or far less or more than its beginning',
      '  matches the prompt: no (colour 99 %, shape 50 %, background 100 % of the frames; it does not move in the direction asked for)',
    ],
  },
])('$what is described line by line', ({ quality, lines }) => {
  expect(describeQuality(quality)).toEqual(lines);
});
