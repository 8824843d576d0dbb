import { Worker } from 'node:worker_threads';
import { CELLS } from '../../runner/pipeline/layout.ts';
import { raise } from '../../runner/pipeline/ring.ts';
import type { ScheduleSettings } from '../../runner/plan/schedule.ts';
import type { TimedStage, TimedStageReport } from './programs/timed-stage.ts';
import { reportsOf } from './threads.ts';

export const RING_SLOTS = 2;

/** Real threads over the real ring; what each of them measured, in stage order. */
export async function runTimedStages(
  schedule: ScheduleSettings,
  stages: number,
  itemMilliseconds: number,
): Promise<readonly TimedStageReport[]> {
  const control = new SharedArrayBuffer(CELLS.done(stages) * Int32Array.BYTES_PER_ELEMENT);
  const threads = Array.from({ length: stages }, (_, stage) => {
    const task: TimedStage = {
      control,
      stage,
      stages,
      ringSlots: RING_SLOTS,
      itemMilliseconds,
      schedule,
    };
    return new Worker(new URL('./programs/timed-stage.ts', import.meta.url), { workerData: task });
  });
  return reportsOf<TimedStageReport>(threads, () => raise(new Int32Array(control), CELLS.conditions));
}
