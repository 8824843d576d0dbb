import { hostValue, type Value } from '../ort/value.ts';
import { type Item, openSchedule } from '../plan/schedule.ts';
import { fillConditions } from './conditions.ts';
import { type Entry, openEntry } from './entry.ts';
import { ringSlots } from './layout.ts';
import { own } from './load.ts';
import type { Ring } from './ring.ts';
import { openStage } from './stage.ts';
import type { StageTask } from './stage-task.ts';
import { openUpdate, type Update } from './update.ts';

/** All that one stage's thread does for an item, from waiting to handing on. */
export type ItemRunner = (item: Readonly<Item>) => void;

/**
 * Opens whatever a stage runs: its slice, and the entry or the update where it is the first or the last (or both).
 * Everything is released with `stack`.
 */
export function openItemRunner(task: StageTask, ring: Ring, stack: DisposableStack): ItemRunner {
  const { plan, stage } = task;
  const isFirst = stage === 0;
  const isLast = stage === plan.stages.length - 1;
  if (isFirst) {
    fillConditions(task);
    ring.announceConditions();
  }
  const layers = openStage(task, ring, stack);
  const entry: Entry | null = isFirst ? openEntry(task, ring, stack) : null;
  const update: Update | null = isLast ? openUpdate(task, stack) : null;
  const before = isFirst ? [] : slotValues(task, stage - 1, stack);
  const after = isLast ? [] : slotValues(task, stage, stack);
  return (item) => {
    const slot = item.index % plan.ringSlots;
    const entered = entry?.enter(item);
    ring.waitForItem(item.index);
    ring.working(item.block);
    layers.run(item, entered ?? before[slot]!, update?.hidden ?? after[slot]!);
    update?.leave(item);
    ring.done();
  };
}

/** The slots of the ring after `stage`, as tensors that graphs read and write in place. */
function slotValues({ plan, shared, transformer, dtype }: StageTask, stage: number, stack: DisposableStack): Value[] {
  const shape = [1, plan.windowLatents * plan.tokensPerLatent, transformer.width];
  return ringSlots(shared, plan, stage).map((bytes) => own(stack, hostValue(bytes, dtype, shape)));
}

/** Follows the schedule to its end. */
export function followSchedule(task: StageTask, run: ItemRunner): void {
  const cursor = openSchedule(task.schedule);
  while (cursor.next()) run(cursor.item);
}
