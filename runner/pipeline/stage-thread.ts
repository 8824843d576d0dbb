import { CodedError } from '#contract/error.ts';
import { waitForDevice } from '../ort/cuda-device.ts';
import { inThread } from '../thread/in-thread.ts';
import { lineOf } from './line.ts';
import type { OpenCopies } from './residence.ts';
import { joinRing, type Ring } from './ring.ts';
import { followSchedule, openItemRunner } from './stage-loop.ts';
import type { StageTask } from './stage-task.ts';

/** How long stages wait for one another after a stop. Whoever stops them ends by force what takes a second. */
const LEAVE_MILLISECONDS = 800;

/** What a stage tells the main thread: that it is loaded. */
export type StageTold = 'ready';

/**
 * The life of a stage's thread: load, follow the schedule, release. `beforeItem` is for tests that make a stage of the given
 * task fail, and `openCopies` for those whose devices are none.
 */
export function runStageThread(beforeItem?: (task: StageTask, index: number) => void, openCopies?: OpenCopies): void {
  inThread<StageTask, never, StageTold>(({ task, tell, fail }) => {
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
      // Other stages may be reading this device's memory, and end once they hear of the failure.
      if (readByOthers) fail(error);
      if (readByOthers && !mayRelease(error, task, ring)) stack.move();
      throw error;
    }
  });
}

/**
 * Whether a stage's memory may be freed after a stop or a failure: once all stages have left, and nothing runs on its device any more. Another run
 * may follow in this process. Where a device has failed, or a stage hangs, all is given back with the process instead.
 */
function mayRelease(error: unknown, { device }: StageTask, ring: Ring): boolean {
  const code = error instanceof CodedError ? error.code : '';
  if (code.startsWith('E_DEVICE_') && code !== 'E_DEVICE_STOPPED') return false;
  return waitForDevice(device) && ring.leaveWithin(LEAVE_MILLISECONDS);
}
