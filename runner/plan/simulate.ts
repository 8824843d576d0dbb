import { itemsOf, openSchedule, type ScheduleSettings } from './schedule.ts';

/** A pipeline to be timed on paper. Times are in any unit, the result is in the same. */
export interface Timing {
  /** Time that each stage needs for one item: one number per stage, in stage order. */
  readonly stageTimes: readonly number[];
  /** Hidden states that fit between two stages. */
  readonly ringSlots: number;
}

/** How long a run takes and how much of that the devices work. */
export interface Simulation {
  readonly duration: number;
  /** Share of the devices' time in which they compute, 0 … 1. */
  readonly busyShare: number;
  /** Share of the duration that the slowest stage waits: the bubble. */
  readonly bubbleShare: number;
  /** Time after which the film's first block is finished. */
  readonly firstBlock: number;
}

/**
 * Follows the schedule through the stages: an item starts at a stage when the stage before has finished it, the stage itself
 * is free, the place for its result is free, and (at the first stage) the items that it needs have left the last stage.
 */
export function simulate(settings: ScheduleSettings, timing: Timing): Simulation {
  const { stageTimes } = timing;
  const stages = stageTimes.length;
  const items = itemsOf(settings);
  const total = stageTimes.reduce((sum, time) => sum + time, 0);
  const slowest = Math.max(...stageTimes);
  const leave = timing.ringSlots >= 2 && stageTimes.every((time) => time === slowest) ? equalStages : unequalStages;
  const leavesAt = leave(timing, items);
  // When each item left the last stage.
  const left = new Float64Array(items);
  const cursor = openSchedule(settings);
  let firstBlock = 0;
  while (cursor.next()) {
    const { index, needs, block } = cursor.item;
    left[index] = leavesAt(index, needs > 0 ? left[needs - 1]! : 0);
    if (block === 0) firstBlock = left[index]!;
  }
  const duration = left[items - 1]!;
  return {
    duration,
    busyShare: (items * total) / (stages * duration),
    firstBlock,
    bubbleShare: 1 - (items * slowest) / duration,
  };
}

/** When item `index` leaves the last stage if it may enter the first one from `ready` on. To be asked in order. */
type Leaving = (index: number, ready: number) => number;

/** Behind the first of equal stages nobody waits: the item before is always just through. */
function equalStages({ stageTimes }: Timing): Leaving {
  const time = stageTimes[0]!;
  const through = stageTimes.length * time;
  let entered = -Infinity;
  return (_, ready) => {
    entered = Math.max(ready, entered + time);
    return entered + through;
  };
}

function unequalStages({ stageTimes, ringSlots }: Timing, items: number): Leaving {
  const ends = stageTimes.map(() => new Float64Array(items));
  return (index, ready) => {
    let now = ready;
    for (const [stage, time] of stageTimes.entries()) {
      const free = index > 0 ? ends[stage]![index - 1]! : 0;
      const reader = index >= ringSlots ? ends[stage + 1]?.[index - ringSlots] : undefined;
      now = Math.max(now, free, reader ?? 0) + time;
      ends[stage]![index] = now;
    }
    return now;
  };
}
