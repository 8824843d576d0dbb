import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allItems, blocksInFlight, type Item, itemsOf, iterationsOf, type ScheduleSettings } from './schedule.ts';

const oneExpert = (steps: number) => new Array<number>(steps).fill(0);

test('three blocks of two steps: newest block first, both branches, right context from the block just done', () => {
  const settings = { blocks: 3, steps: 2, branches: 2, contextLatents: 1, expertOfStep: oneExpert(2) };
  const short = ({ iteration, block, step, branch, hasRight, needs }: Item) =>
    `${iteration}: block ${block} step ${step} branch ${branch}${hasRight ? ' right' : ''} needs ${needs}`;
  expect(allItems(settings).map(short)).toEqual([
    '0: block 0 step 0 branch 0 needs 0',
    '0: block 0 step 0 branch 1 needs 0',
    '1: block 1 step 0 branch 0 needs 2',
    '1: block 1 step 0 branch 1 needs 2',
    '1: block 0 step 1 branch 0 right needs 2',
    '1: block 0 step 1 branch 1 right needs 2',
    '2: block 2 step 0 branch 0 needs 4',
    '2: block 2 step 0 branch 1 needs 4',
    '2: block 1 step 1 branch 0 right needs 6',
    '2: block 1 step 1 branch 1 right needs 6',
    '3: block 2 step 1 branch 0 needs 10',
    '3: block 2 step 1 branch 1 needs 10',
  ]);
});

const settings: fc.Arbitrary<ScheduleSettings> = fc
  .record({
    blocks: fc.integer({ min: 1, max: 12 }),
    steps: fc.integer({ min: 1, max: 9 }),
    stride: fc.integer({ min: 1, max: 11 }),
    branches: fc.constantFrom(1, 2),
    contextLatents: fc.nat(2),
    boundary: fc.nat(9),
    rightContext: fc.constantFrom('same-expert' as const, 'any-expert' as const),
  })
  .map(({ boundary, ...rest }) => ({
    ...rest,
    expertOfStep: Array.from({ length: rest.steps }, (_, step) => (step < boundary ? 0 : 1)),
  }));

describe('for every run', () => {
  const check = (property: (s: ScheduleSettings, items: readonly Item[]) => void) =>
    fc.assert(
      fc.property(settings, (s) => property(s, allItems(s))),
      { seed: 11, numRuns: 300 },
    );

  test('each block makes each step once with each branch, in order', () => {
    check((s, items) => {
      expect(items).toHaveLength(itemsOf(s));
      expect(items.at(-1)?.iteration).toBe(iterationsOf(s) - 1);
      for (let block = 0; block < s.blocks; block++) {
        const own = items.filter((item) => item.block === block).map(({ step, branch }) => step * s.branches + branch);
        expect(own).toEqual(Array.from({ length: s.steps * s.branches }, (_, index) => index));
      }
    });
  });

  test('in an iteration neighbours follow each other from the newest to the oldest, a stride of steps apart', () => {
    check((s, items) => {
      for (const [index, item] of items.entries()) {
        const { stride = 1 } = s;
        expect(item.step).toBe(item.iteration - stride * item.block);
        const before = items[index - s.branches];
        if (before?.iteration !== item.iteration) continue;
        expect([before.block, before.branch, before.step]).toEqual([item.block + 1, item.branch, item.step - stride]);
      }
    });
  });

  test('the right context comes from the same branch of the block just done, made by the same expert unless any will do', () => {
    check((s, items) => {
      for (const item of items) {
        const right = items[item.index - s.branches];
        const usable =
          s.contextLatents > 0 &&
          right !== undefined &&
          right.iteration === item.iteration &&
          right.block === item.block + 1 &&
          (s.rightContext === 'any-expert' || right.expert === item.expert);
        expect(item.hasRight).toBe(usable);
      }
    });
  });

  test('an item needs its block, and with context its left neighbour, as the iterations before left them: no more and no less', () => {
    check((s, items) => {
      for (const item of items) {
        const isInput = (other: Item) =>
          other.iteration < item.iteration &&
          (other.block === item.block || (s.contextLatents > 0 && other.block === item.block - 1));
        const lastInput = items.findLast(isInput);
        expect(item.needs).toBe(lastInput === undefined ? 0 : lastInput.index + 1);
        expect(item.needs).toBeLessThanOrEqual(item.index);
      }
    });
  });
});

test('stride 2: the left neighbour is two steps ahead, and a block enters every second iteration', () => {
  const settings = { blocks: 3, steps: 3, stride: 2, branches: 1, contextLatents: 1, expertOfStep: oneExpert(3) };
  const short = ({ iteration, block, step, hasRight, needs }: Item) =>
    `${iteration}: block ${block} step ${step}${hasRight ? ' right' : ''} needs ${needs}`;
  expect(allItems(settings).map(short)).toEqual([
    '0: block 0 step 0 needs 0',
    '1: block 0 step 1 needs 1',
    '2: block 1 step 0 needs 2',
    '2: block 0 step 2 right needs 2',
    '3: block 1 step 1 needs 4',
    '4: block 2 step 0 needs 5',
    '4: block 1 step 2 right needs 5',
    '5: block 2 step 1 needs 7',
    '6: block 2 step 2 needs 8',
  ]);
  expect([iterationsOf(settings), blocksInFlight(settings)]).toEqual([7, 2]);
});
