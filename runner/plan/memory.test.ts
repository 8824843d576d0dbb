import { expect, test } from 'vitest';
import { WAN_1_3B } from '../../test/build/film-plan.ts';
import { type MemorySettings, stageMemory, transformerBytes } from './memory.ts';

const MODEL = { ...WAN_1_3B.transformer, layers: 5, width: 8, feedForwardWidth: 32 };
const BYTES = { layers: [10, 20, 30, 40, 50], condition: 1000, embed: 100, head: 200 };
const SLICES = [
  { firstLayer: 0, endLayer: 1 },
  { firstLayer: 1, endLayer: 3 },
  { firstLayer: 3, endLayer: 5 },
];
const RUN: MemorySettings = {
  windowTokens: 60,
  contextTokens: 20,
  textTokens: 7,
  branches: 2,
  leftPlaces: 11,
  experts: 1,
  ringSlots: 2,
  bytesPerNumber: 4,
};
/** Keys and values of the context for one layer. */
const PAIR = 2 * 20 * 8 * 4;

const memoryOf = (changes: Partial<MemorySettings> = {}) => stageMemory(MODEL, [BYTES], SLICES, { ...RUN, ...changes });

test('what waits for the right neighbour has its places in every layer, and one more for what nobody reads', () => {
  const leftCaches = memoryOf().map(({ leftCache }) => leftCache);
  expect(leftCaches).toEqual([(11 + 1) * PAIR, (2 * 11 + 1) * PAIR, (2 * 11 + 1) * PAIR]);
});

test('nothing is kept for the right neighbour where the left context is computed again', () =>
  expect(memoryOf({ leftPlaces: 0 }).map(({ leftCache }) => leftCache)).toEqual([0, 0, 0]));

test('half as many bytes per number halve all caches', () => {
  for (const [stage, { prompt, featureCache, leftCache, hidden }] of memoryOf({ bytesPerNumber: 2 }).entries()) {
    const whole = memoryOf()[stage]!;
    expect([prompt, featureCache, leftCache, hidden].map((bytes) => 2 * bytes)).toEqual([
      whole.prompt,
      whole.featureCache,
      whole.leftCache,
      whole.hidden,
    ]);
  }
});

test('one branch needs half the prompts, and two places instead of three for the left neighbour', () => {
  const [one, two] = [memoryOf({ branches: 1 })[1]!, memoryOf()[1]!];
  expect([one.prompt, two.prompt]).toEqual([2 * 2 * 7 * 8 * 4, 2 * 2 * 2 * 7 * 8 * 4]);
  expect([one.featureCache, two.featureCache]).toEqual([2 * 2 * PAIR, 2 * 3 * PAIR]);
});

test('the first stage holds the embedding and the last the head, with hidden states on one side only', () => {
  expect(memoryOf().map(({ weights }) => weights)).toEqual([10 + 100, 20 + 30, 40 + 50 + 200]);
  const state = 60 * 8 * 4;
  expect(memoryOf().map(({ hidden }) => hidden)).toEqual([3 * state, 4 * state, 3 * state]);
});

test('tensors are counted to what reads them by their names', () => {
  const names: readonly (readonly [string, number])[] = [
    ['blocks.0.attn1.to_q.weight', 1],
    ['blocks.0.norm2.bias', 2],
    ['blocks.1.ffn.net.2.weight', 4],
    ['condition_embedder.time_proj.weight', 8],
    ['patch_embedding.weight', 16],
    ['proj_out.weight', 32],
    ['scale_shift_table', 64],
  ];
  expect(transformerBytes(names, 2)).toEqual({ layers: [3, 4], condition: 8, embed: 16, head: 96 });
});
