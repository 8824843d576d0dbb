/** The updating stage of a run whose items take a fixed time, and which copies the blocks' states out when it is asked to, for benchmarks. */
import { parentPort, workerData } from 'node:worker_threads';
import { hostStates, openCutter } from '../../../runner/pipeline/cut.ts';
import { CELLS, type SharedMemory } from '../../../runner/pipeline/layout.ts';
import type { Plan } from '../../../runner/plan/plan.ts';
import { openSchedule, type ScheduleSettings } from '../../../runner/plan/schedule.ts';

/** What the thread is started with. */
export interface CutStage {
  readonly plan: Plan;
  readonly schedule: ScheduleSettings;
  readonly shared: SharedMemory;
  readonly itemMilliseconds: number;
}

const { plan, schedule, shared, itemMilliseconds } = workerData as CutStage;
const asleep = new Int32Array(new SharedArrayBuffer(4));
const cells = new Int32Array(shared.control);
const standStill = () => {
  throw new Error('no last cut is asked for here');
};
const cutter = openCutter({ plan, schedule, shared }, { standStill }, hostStates({ plan, shared }))!;
const cursor = openSchedule(schedule);
const began = performance.now();
while (cursor.next()) {
  Atomics.wait(asleep, 0, 0, itemMilliseconds);
  cutter.before();
  cutter.after(cursor.item);
  Atomics.add(cells, CELLS.done(0), 1);
}
parentPort?.postMessage(performance.now() - began);
