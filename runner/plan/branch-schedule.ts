import { branchesAt, type Item, openSchedule, type ScheduleCursor, type ScheduleSettings } from './schedule.ts';

/**
 * Walks the items of one guidance branch alone, for stages that compute no other. `index` and `sinceRight` count items of this
 * branch, `needs` block-steps: those that branch 0's last stage has finished.
 */
export function openBranchSchedule(settings: ScheduleSettings, branch: number): ScheduleCursor {
  const { branchesOfStep: _, ...wholeSteps } = settings;
  const { stride = 1 } = settings;
  const blockSteps = openSchedule({ ...wholeSteps, branches: 1 });
  const item: Item = { ...blockSteps.item, index: -1 };
  return {
    item,
    next() {
      do {
        if (!blockSteps.next()) return false;
      } while (branch >= branchesAt(settings, blockSteps.item.step));
      const index = item.index + 1;
      Object.assign(item, blockSteps.item);
      item.index = index;
      item.branch = branch;
      item.branches = branchesAt(settings, item.step);
      if (item.sinceRight > 0 && branch >= branchesAt(settings, item.step - stride)) item.sinceRight = 0;
      return true;
    },
  };
}

/** Items of one branch in a run. */
export function branchItems(settings: ScheduleSettings, branch: number): number {
  const { blocks, steps } = settings;
  let stepsWithIt = 0;
  for (let step = 0; step < steps; step++) if (branch < branchesAt(settings, step)) stepsWithIt++;
  return blocks * stepsWithIt;
}
