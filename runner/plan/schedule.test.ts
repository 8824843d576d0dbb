import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  allItems,
  blocksInFlight,
  type Item,
  isLastIn,
  itemsOf,
  iterationsOf,
  queueAfter,
  type ScheduleSettings,
} from './schedule.ts';

const oneExpert = (steps: number) => new Array<number>(steps).fill(0);

test('three blocks of two steps: newest block first, both branches, right context from the block just done', () => {
  const settings = { blocks: 3, steps: 2, branches: 2, contextLatents: 1, expertOfStep: oneExpert(2) };
  const short = ({ iteration, block, step, branch, sinceRight, needs }: Item) =>
    `${iteration}: block ${block} step ${step} branch ${branch}${sinceRight > 0 ? ' right' : ''} needs ${needs}`;
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
    guided: fc.option(fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }), { nil: undefined }),
    contextLatents: fc.nat(2),
    leftContext: fc.constantFrom('recompute' as const, 'reuse' as const),
    boundary: fc.nat(9),
    rightContext: fc.constantFrom('same-expert' as const, 'any-expert' as const),
  })
  .map(({ boundary, guided, ...rest }) => ({
    ...rest,
    ...(guided && { branchesOfStep: guided.slice(0, rest.steps).map((isGuided) => (isGuided ? rest.branches : 1)) }),
    expertOfStep: Array.from({ length: rest.steps }, (_, step) => (step < boundary ? 0 : 1)),
  }));

describe('for every run', () => {
  const check = (property: (s: ScheduleSettings, items: readonly Item[]) => void) =>
    fc.assert(
      fc.property(settings, (s) => property(s, allItems(s))),
      { seed: 11, numRuns: 300 },
    );

  const branchesAt = ({ branches, branchesOfStep }: ScheduleSettings, step: number) =>
    branchesOfStep?.[step] ?? branches;

  test('each block makes each step once with each of its branches, in order', () => {
    check((s, items) => {
      expect(items).toHaveLength(itemsOf(s));
      expect(items.map(({ index }) => index)).toEqual(items.map((_, index) => index));
      expect(items.at(-1)?.iteration).toBe(iterationsOf(s) - 1);
      const wanted = Array.from({ length: s.steps }, (_, step) =>
        Array.from({ length: branchesAt(s, step) }, (__, branch) => ({ step, branch, branches: branchesAt(s, step) })),
      ).flat();
      for (let block = 0; block < s.blocks; block++) {
        const own = items.filter((item) => item.block === block);
        expect(own.map(({ step, branch, branches }) => ({ step, branch, branches }))).toEqual(wanted);
      }
    });
  });

  test('block-steps are counted, and their branches follow one another', () => {
    check((s, items) => {
      const whole = items.filter(({ branch }) => branch === 0);
      expect(whole.map(({ ordinal }) => ordinal)).toEqual(whole.map((_, index) => index));
      expect(whole).toHaveLength(s.blocks * s.steps);
      for (const { index, block, step, branch, ordinal } of items) {
        if (branch > 0) expect(items[index - 1]).toMatchObject({ block, step, ordinal, branch: branch - 1 });
      }
    });
  });

  test('in an iteration neighbours follow each other from the newest to the oldest, a stride of steps apart', () => {
    check(({ stride = 1 }, items) => {
      const whole = items.filter(({ branch }) => branch === 0);
      for (const [index, item] of whole.entries()) {
        expect(item.step).toBe(item.iteration - stride * item.block);
        const before = whole[index - 1];
        if (before?.iteration !== item.iteration) continue;
        expect([before.block, before.step]).toEqual([item.block + 1, item.step - stride]);
      }
    });
  });

  test('the right context comes from the same branch of the block just done, made by the same expert unless any will do', () => {
    check((s, items) => {
      for (const item of items) {
        const isRight = (other: Item) =>
          other.iteration === item.iteration &&
          other.block === item.block + 1 &&
          other.branch === item.branch &&
          (s.rightContext === 'any-expert' || other.expert === item.expert);
        const right = items.find(isRight);
        const wanted = s.contextLatents === 0 || right === undefined ? 0 : item.index - right.index;
        expect(item.sinceRight).toBe(wanted);
      }
    });
  });

  test('an item needs its block, and its left neighbour where it looks at it, as the iterations before left them: no more and no less', () => {
    check((s, items) => {
      const seesLeft = s.contextLatents > 0 && s.leftContext !== 'reuse';
      for (const item of items) {
        const isInput = (other: Item) =>
          other.iteration < item.iteration &&
          (other.block === item.block || (seesLeft && other.block === item.block - 1));
        const lastInput = items.findLast(isInput);
        expect(item.needs).toBe(lastInput === undefined ? 0 : lastInput.index + 1);
        expect(item.needs).toBeLessThanOrEqual(item.index);
      }
    });
  });
});

test('stride 2: the left neighbour is two steps ahead, and a block enters every second iteration', () => {
  const settings = { blocks: 3, steps: 3, stride: 2, branches: 1, contextLatents: 1, expertOfStep: oneExpert(3) };
  const short = ({ iteration, block, step, sinceRight, needs }: Item) =>
    `${iteration}: block ${block} step ${step}${sinceRight > 0 ? ' right' : ''} needs ${needs}`;
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

test.each([
  { blocks: 5, steps: 3, stride: 1 },
  { blocks: 4, steps: 6, stride: 2 },
  { blocks: 3, steps: 2, stride: 5 },
])(
  'after each iteration, the queue holds the blocks that have begun and not made all steps: $blocks, $steps, $stride',
  (cut) => {
    const settings = { ...cut, branches: 1, contextLatents: 1, expertOfStep: oneExpert(cut.steps) };
    const items = allItems(settings);
    for (let iteration = 0; iteration < iterationsOf(settings); iteration++) {
      const done = items.filter((item) => item.iteration <= iteration);
      const started = new Set(done.map(({ block }) => block)).size;
      const finished = done.filter(({ step }) => step === cut.steps - 1).length;
      expect(queueAfter(settings, iteration), `iteration ${iteration}`).toEqual({ finished, started });
      const last = done.at(-1)!;
      if (last.iteration === iteration) expect(isLastIn(settings, last)).toBe(true);
    }
  },
);
