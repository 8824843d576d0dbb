import { describe, expect, test } from 'vitest';
import { modelInput, tinyModel } from '../../test/same-bits/inputs.ts';
import { blockStates, CELLS, createSharedMemory, ownLatents, placesOf, slotsIn } from './layout.ts';

const { plan } = modelInput(tinyModel(), {
  stages: 3,
  steps: 4,
  frames: 201,
  blockLatents: 4,
  contextLatents: 2,
});
const memory = createSharedMemory(plan, { width: 48, textTokens: 64, dtype: 'F32', trace: false, device: 'cpu' });

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

test.each([
  { steps: 6, stride: 1, places: 6 + 4 },
  { steps: 6, stride: 2, places: 3 + 4 },
  { steps: 6, stride: 3, places: 2 + 4 },
  { steps: 7, stride: 3, places: 3 + 4 },
  { steps: 6, stride: 6, places: 1 + 4 },
  { steps: 2, stride: 6, places: 1 + 4 },
])(
  'at stride $stride the states of $steps steps have $places places: blocks in flight, their two neighbours, two to be taken',
  (given) => {
    const { places, ...numbers } = given;
    const run = { stages: 1, frames: 201, blockLatents: 4, contextLatents: 2, ...numbers };
    const strided = modelInput(tinyModel(), run).plan;
    expect(strided.blocks).toBeGreaterThan(places);
    expect(placesOf(strided)).toBe(places);
    const { states } = createSharedMemory(strided, {
      width: 48,
      textTokens: 64,
      dtype: 'F32',
      trace: false,
      device: 'cpu',
    });
    expect(states.byteLength).toBe((6 + (places - 1) * 4) * 16 * 6 * 8 * 4 * 4);
  },
);

test('a film has no more places than blocks', () => {
  const { plan: short } = modelInput(tinyModel(), {
    stages: 1,
    steps: 6,
    frames: 61,
    blockLatents: 4,
    contextLatents: 2,
  });
  expect(short.blocks).toBeLessThan(6 + 4);
  expect(placesOf(short)).toBe(short.blocks);
});

test('the slots of a ring hold a window of hidden states each, side by side', () => {
  const slots = slotsIn(memory.rings[0]!, plan);
  const bytes = 6 * 12 * 48 * 4;
  expect(slots.map(({ byteOffset, byteLength }) => [byteOffset, byteLength])).toEqual([
    [0, bytes],
    [bytes, bytes],
  ]);
  expect(memory.rings.map((ring) => ring?.byteLength)).toEqual([2 * bytes, 2 * bytes, undefined]);
});

test('every cell of the control memory has a cache line of its own', () => {
  const cells: number[] = [CELLS.stop, CELLS.conditions, CELLS.taken, CELLS.started, CELLS.velocitiesUsed, CELLS.left];
  for (let stage = 0; stage < 3; stage++) cells.push(CELLS.done(stage), CELLS.working(stage));
  const lines = cells.map((cell) => (cell * 4) / 64);
  expect(lines.every(Number.isInteger)).toBe(true);
  expect(new Set(lines).size).toBe(cells.length);
  expect(Math.max(...lines)).toBeLessThan(memory.control.byteLength / 64);
});
