import { inThread } from '../thread/in-thread.ts';
import { lineOf } from './line.ts';
import type { OpenCopies } from './residence.ts';
import { joinRing } from './ring.ts';
import { followSchedule, openItemRunner } from './stage-loop.ts';
import type { StageTask } from './stage-task.ts';

/** What a stage tells the main thread: that it is loaded. */
export type StageTold = 'ready';

/**
 * The life of a stage's thread: load, follow the schedule, release. `beforeItem` is for tests that make a stage of the given
 * task fail, and `openCopies` for those whose devices are none.
 */
export function runStageThread(beforeItem?: (task: StageTask, index: number) => void, openCopies?: OpenCopies): void {
  inThread<StageTask, never, StageTold>(({ task, tell }) => {
    const { stage, plan, shared } = task;
    const readByOthers = shared.statePlaces !== null;
    const ring = joinRing(shared.control, stage, lineOf(plan, stage), plan.ringSlots);
    using stack = new DisposableStack();
    try {
      const run = openItemRunner(task, ring, stack, openCopies);
      tell('ready');
      followSchedule(task, (item) => {
        beforeItem?.(task, item.index);
        run(item);
      });
      ring.rest();
      if (readByOthers) ring.leaveTogether();
    } catch (error) {
      // Other stages may be reading this device's memory: where the run has failed, it is given back with the process.
      if (readByOthers) stack.move();
      throw error;
    }
  });
}
