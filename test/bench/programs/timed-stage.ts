/** A stage that follows the real schedule through the real ring and takes a fixed time for each item, for benchmarks. */
import { parentPort, workerData } from 'node:worker_threads';
import { wholeLine } from '../../../runner/pipeline/line.ts';
import { joinRing } from '../../../runner/pipeline/ring.ts';
import { openSchedule, type ScheduleSettings } from '../../../runner/plan/schedule.ts';

/** What the thread is started with. */
export interface TimedStage {
  readonly control: SharedArrayBuffer;
  readonly stage: number;
  readonly stages: number;
  readonly ringSlots: number;
  readonly itemMilliseconds: number;
  readonly schedule: ScheduleSettings;
}

/** What it has measured: the mean time of its items, and the moments of its first item's start, its last end, and block 0's. */
export interface TimedStageReport {
  readonly itemMilliseconds: number;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly firstBlockAt: number;
}

const asleep = new Int32Array(new SharedArrayBuffer(4));
const now = () => performance.timeOrigin + performance.now();

/** Sleeps, so that many stages fit few cores. It ends a little late, which the mean time of the items tells. */
function take(milliseconds: number): void {
  Atomics.wait(asleep, 0, 0, milliseconds);
}

const { control, stage, stages, ringSlots, itemMilliseconds, schedule } = workerData as TimedStage;
const ring = joinRing(control, stage, wholeLine(stages), ringSlots);
const cursor = openSchedule(schedule);
parentPort?.postMessage('ready');
ring.waitForConditions();
let items = 0;
let worked = 0;
let startedAt = 0;
let firstBlockAt = 0;
while (cursor.next()) {
  const { index, block, needs } = cursor.item;
  if (stage === 0) ring.waitForCompleted(needs);
  ring.waitForItem(index);
  const begin = now();
  if (index === 0) startedAt = begin;
  take(itemMilliseconds);
  worked += now() - begin;
  items += 1;
  ring.done();
  if (block === 0) firstBlockAt = now();
}
parentPort?.postMessage({
  itemMilliseconds: worked / items,
  startedAt,
  endedAt: now(),
  firstBlockAt,
} satisfies TimedStageReport);
