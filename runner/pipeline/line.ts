import { branchItems, openBranchSchedule } from '../plan/branch-schedule.ts';
import type { Plan } from '../plan/plan.ts';
import { itemsOf, openSchedule, type ScheduleCursor, type ScheduleSettings } from '../plan/schedule.ts';

/**
 * A line of stages that an item passes from its first to its last: all stages of a run, or with guidance in parallel half of
 * them for each branch (docs/beyond-the-paper.md#guidance-in-parallel).
 */
export interface Line {
  readonly first: number;
  readonly last: number;
  /** The last stage of the line that updates the blocks, which is another one on branch 1's line. */
  readonly updater: number;
  /** The branch whose items pass; null: all. */
  readonly branch: number | null;
}

/** The only line of a run of `stages` stages. */
export function wholeLine(stages: number): Line {
  return { first: 0, last: stages - 1, updater: stages - 1, branch: null };
}

/** The lines of a run, the one that updates the blocks first. */
export function linesOf({ stages }: Pick<Plan, 'stages'>): readonly Line[] {
  if (stages[0]!.branch === null) return [wholeLine(stages.length)];
  const half = stages.length / 2;
  return [0, 1].map((branch) => ({ first: branch * half, last: (branch + 1) * half - 1, updater: half - 1, branch }));
}

/** The line of a stage. */
export function lineOf(plan: Pick<Plan, 'stages'>, stage: number): Line {
  return linesOf(plan).find(({ last }) => stage <= last)!;
}

/** The items that pass a line, in order. */
export function openLine(schedule: ScheduleSettings, { branch }: Line): ScheduleCursor {
  return branch === null ? openSchedule(schedule) : openBranchSchedule(schedule, branch);
}

/** How many they are. */
export function lineItems(schedule: ScheduleSettings, { branch }: Line): number {
  return branch === null ? itemsOf(schedule) : branchItems(schedule, branch);
}

/** How many of them belong to iterations before one. */
export function itemsBefore(schedule: ScheduleSettings, line: Line, iteration: number): number {
  const cursor = openLine(schedule, line);
  let items = 0;
  while (iteration > 0 && cursor.next() && cursor.item.iteration < iteration) items++;
  return items;
}

/** The items that pass a line from an iteration on: the first call of `next` gives its first one. */
export function openLineFrom(schedule: ScheduleSettings, line: Line, iteration: number): ScheduleCursor {
  const cursor = openLine(schedule, line);
  for (let skipped = itemsBefore(schedule, line, iteration); skipped > 0; skipped--) cursor.next();
  return cursor;
}
