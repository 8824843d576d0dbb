import fc from 'fast-check';
import { expect, test } from 'vitest';
import { schedules } from '../../test/build/schedule.ts';
import { branchItems, openBranchSchedule } from './branch-schedule.ts';
import { allItems, type Item, type ScheduleSettings } from './schedule.ts';

function walk(run: ScheduleSettings, branch: number): readonly Item[] {
  const cursor = openBranchSchedule(run, branch);
  const items: Item[] = [];
  while (cursor.next()) items.push({ ...cursor.item });
  return items;
}

test('a branch alone does its items of the whole schedule in the same order, with its right neighbour and its needs counted anew', () => {
  fc.assert(
    fc.property(schedules({ blocks: 9, steps: 9 }), fc.nat(1), (run, branch) => {
      const whole = allItems(run);
      const wanted = whole
        .filter((item) => item.branch === branch)
        .map((item, index, own) => ({
          ...item,
          index,
          sinceRight: item.sinceRight === 0 ? 0 : index - own.indexOf(whole[item.index - item.sinceRight]!),
          needs: item.needs === 0 ? 0 : whole[item.needs - 1]!.ordinal + 1,
        }));
      expect(walk(run, branch)).toEqual(wanted);
      expect(branchItems(run, branch)).toBe(wanted.length);
    }),
    { seed: 3, numRuns: 300 },
  );
});
