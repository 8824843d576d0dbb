import fc from 'fast-check';
import { expect, test } from 'vitest';
import { schedules } from '../../test/build/schedule.ts';
import { openBranchSchedule } from './branch-schedule.ts';
import { leftPlaces } from './left-places.ts';
import { allItems, type Item, type ScheduleSettings } from './schedule.ts';

const films = schedules({ blocks: 14, steps: 11 });

test('an item reads what its left neighbour wrote at the same step, which nobody has overwritten, and never what it writes itself', () => {
  fc.assert(
    fc.property(films, (film) => {
      const places = leftPlaces(film);
      const kept = new Map<string, string>();
      const items = allItems(film).map(({ block, step, branch }) => {
        places.enter({ block, branch });
        const { read, written } = places;
        const found = read < 0 ? null : kept.get(`${branch}:${read}`);
        if (written >= 0) kept.set(`${branch}:${written}`, `${block}:${step}`);
        const mayWrite = written < 0 || (written !== read && written < places.countOf[branch]!);
        return { block, step, found, writes: written >= 0, mayWrite };
      });
      expect(items).toEqual(
        items.map(({ block, step }) => ({
          block,
          step,
          found: block === 0 ? null : `${block - 1}:${step}`,
          writes: block < film.blocks - 1,
          mayWrite: true,
        })),
      );
    }),
    { seed: 5, numRuns: 300 },
  );
});

test('a stage of one branch alone finds it at the same places', () => {
  fc.assert(
    fc.property(films, fc.nat(1), (film, branch) => {
      const [whole, alone] = [leftPlaces(film), leftPlaces(film)];
      const cursor = openBranchSchedule(film, branch);
      for (const item of allItems(film)) {
        whole.enter(item);
        if (item.branch !== branch) continue;
        cursor.next();
        alone.enter(cursor.item);
        expect([alone.read, alone.written]).toEqual([whole.read, whole.written]);
      }
    }),
    { seed: 5, numRuns: 100 },
  );
});

test('there are exactly as many places as are needed at once, whatever the film', () => {
  fc.assert(
    fc.property(films, (film) => {
      expect(leftPlaces(film).countOf).toEqual([0, 1].map((branch) => mostNeeded(film, branch)));
    }),
    { seed: 5, numRuns: 500 },
  );
});

/** Of what the items of a branch leave, the most that is needed at once: each from when it is written to when it is read. */
function mostNeeded(film: ScheduleSettings, branch: number): number {
  const items = allItems(film).filter((item) => item.branch === branch);
  const time = (block: number, step: number) => items.findIndex((item) => item.block === block && item.step === step);
  const lives = items
    .filter(({ block }) => block + 1 < film.blocks)
    .map(({ block, step }: Item) => ({ from: time(block, step), to: time(block + 1, step) }));
  const neededAt = (now: number) => lives.filter(({ from, to }) => from <= now && now <= to).length;
  return Math.max(0, ...items.map((_, now) => neededAt(now)));
}

const steps50 = { branches: 1, contextLatents: 1, expertOfStep: new Array<number>(50).fill(0), steps: 50 };

test.each([
  { blocks: 2, stride: 1, places: 1 },
  { blocks: 2, stride: 6, places: 6 },
  { blocks: 4, stride: 1, places: 3 },
  { blocks: 4, stride: 6, places: 18 },
  { blocks: 2, stride: 60, places: 50 },
  { blocks: 51, stride: 1, places: 50 },
  { blocks: 52, stride: 1, places: 51 },
  { blocks: 31_250, stride: 6, places: 51 },
])('50 steps, $blocks blocks at stride $stride: $places places', ({ places, ...film }) =>
  expect(leftPlaces({ ...steps50, ...film }).countOf).toEqual([places]),
);

test('a branch that some steps lack needs one place more than it has steps', () => {
  const film = { blocks: 9, steps: 6, stride: 2, branches: 2, branchesOfStep: [1, 2, 2, 2, 1, 1] };
  expect(leftPlaces({ ...film, contextLatents: 1, expertOfStep: [0, 0, 0, 0, 0, 0] }).countOf).toEqual([7, 4]);
});
