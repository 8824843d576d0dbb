import { describe, expect, test } from 'vitest';
import { modelInput, tinyModel } from '../../test/same-bits/inputs.ts';
import { blockStates, CELLS, createSharedMemory, ownLatents, placesOf, ringSlots } from './layout.ts';

const { plan } = modelInput(tinyModel(), {
  stages: 3,
  steps: 4,
  frames: 201,
  blockLatents: 4,
  contextLatents: 2,
});
const memory = createSharedMemory(plan, { width: 48, textTokens: 64, dtype: 'F32', trace: false });

describe('the states of blocks', () => {
  const stateOf = blockStates(memory, plan);

  test('have the size of the block and do not touch each other while both are needed', () => {
    expect(plan.blocks).toBeGreaterThan(placesOf(plan));
    for (let block = 0; block < plan.blocks; block++) {
      const { x, last, estimate1, estimate2 } = stateOf(block);
      for (const array of [x, last, estimate1, estimate2]) array.fill(block + 1);
      expect(x.length).toBe(ownLatents(plan, block) * 16 * 6 * 8);
      for (let other = Math.max(0, block - placesOf(plan) + 1); other <= block; other++) {
        const state = stateOf(other);
        for (const array of [state.x, state.last, state.estimate1, state.estimate2]) {
          expect(array.every((value) => value === other + 1)).toBe(true);
        }
      }
    }
  });

  test('take no more memory than the blocks in flight and a few', () => {
    const perLatent = 16 * 6 * 8 * 4 * 4;
    expect(memory.states.byteLength).toBe((6 + (4 + 3) * 4) * perLatent);
  });
});

test('the slots of a ring hold a window of hidden states each, side by side', () => {
  const slots = ringSlots(memory, plan, 0);
  const bytes = 6 * 12 * 48 * 4;
  expect(slots.map(({ byteOffset, byteLength }) => [byteOffset, byteLength])).toEqual([
    [0, bytes],
    [bytes, bytes],
  ]);
  expect(memory.rings).toHaveLength(2);
});

test('every cell of the control memory has a cache line of its own', () => {
  const cells = [CELLS.stop, CELLS.conditions, CELLS.taken];
  for (let stage = 0; stage < 3; stage++) cells.push(CELLS.done(stage), CELLS.working(stage));
  const lines = cells.map((cell) => (cell * 4) / 64);
  expect(lines.every(Number.isInteger)).toBe(true);
  expect(new Set(lines).size).toBe(cells.length);
  expect(Math.max(...lines)).toBeLessThan(memory.control.byteLength / 64);
});
