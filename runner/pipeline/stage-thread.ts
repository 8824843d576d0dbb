import { inThread } from '../thread/in-thread.ts';
import { joinRing } from './ring.ts';
import { followSchedule, openItemRunner } from './stage-loop.ts';
import type { StageTask } from './stage-task.ts';

/** What a stage tells the main thread: that it is loaded. */
export type StageTold = 'ready';

/**
 * The life of a stage's thread: load, follow the schedule, release. `beforeItem` is for tests that make a stage of the given
 * task fail.
 */
export function runStageThread(beforeItem?: (task: StageTask, index: number) => void): void {
  inThread<StageTask, never, StageTold>(({ task, tell }) => {
    const { stage, plan, shared } = task;
    const ring = joinRing(shared.control, stage, plan.stages.length, plan.ringSlots);
    using stack = new DisposableStack();
    const run = openItemRunner(task, ring, stack);
    tell('ready');
    followSchedule(task, (item) => {
      beforeItem?.(task, item.index);
      run(item);
    });
    ring.rest();
  });
}
