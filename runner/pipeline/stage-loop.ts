import type { Item } from '../plan/schedule.ts';
import { fillConditions } from './conditions.ts';
import { type Entry, openEntry } from './entry.ts';
import { type Exit, openExit } from './exit.ts';
import { openIncoming, openOutgoing } from './hop.ts';
import { lineOf, openLineFrom } from './line.ts';
import type { OpenCopies } from './residence.ts';
import type { Ring } from './ring.ts';
import { openStage } from './stage.ts';
import type { StageTask } from './stage-task.ts';

/** All that one stage's thread does for an item, from waiting to handing on. */
export type ItemRunner = (item: Readonly<Item>) => void;

/**
 * Opens whatever a stage runs: its slice, and the entry or the exit where it is the first or the last of its line (or both).
 * Everything is released with `stack`.
 */
export function openItemRunner(
  task: StageTask,
  ring: Ring,
  stack: DisposableStack,
  openCopies?: OpenCopies,
): ItemRunner {
  const { plan, stage, shared, dtype, transformer } = task;
  const line = lineOf(plan, stage);
  const isFirst = stage === line.first;
  const isLast = stage === line.last;
  if (stage === 0) {
    fillConditions(task);
    ring.announceConditions();
  }
  const layers = openStage(task, ring, stack, openCopies);
  if (task.firstIteration > 0) ring.waitForRestored();
  const entry: Entry | null = isFirst ? openEntry(task, ring, layers, stack) : null;
  const exit: Exit | null = isLast ? openExit(task, ring, layers, stack) : null;
  const shapeOf = (latents: number) => [1, latents * plan.tokensPerLatent, transformer.width];
  const slots = (open: typeof openIncoming, before: number) =>
    open(task, shared.rings[before]!, dtype, shapeOf, layers.residence);
  const before = isFirst ? null : slots(openIncoming, stage - 1);
  const after = isLast ? null : slots(openOutgoing, stage);
  return (item) => {
    const { block, index } = item;
    const entered = entry?.enter(item);
    ring.waitForItem(index);
    ring.working(block);
    layers.run(item, entered ?? before!.of(block, index), exit?.hiddenOf(block) ?? after!.of(block, index));
    exit?.leave(item);
    ring.done();
  };
}

/** Follows the schedule from the run's first iteration to its end. */
export function followSchedule(task: StageTask, run: ItemRunner): void {
  const cursor = openLineFrom(task.schedule, lineOf(task.plan, task.stage), task.firstIteration);
  while (cursor.next()) run(cursor.item);
}
