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
  /** Share of the duration after which the film's first block is finished. */
  readonly firstBlockShare: number;
}

/**
 * Follows the schedule through the stages: an item starts at a stage when the stage before has finished it, the stage itself
 * is free, the place for its result is free, and (at the first stage) the items that it needs have left the last stage.
 */
export function simulate(settings: ScheduleSettings, { stageTimes, ringSlots }: Timing): Simulation {
  const stages = stageTimes.length;
  const items = itemsOf(settings);
  const ends = stageTimes.map(() => new Float64Array(items));
  const cursor = openSchedule(settings);
  let firstBlock = 0;
  while (cursor.next()) {
    const { index, needs } = cursor.item;
    let ready = needs > 0 ? ends[stages - 1]![needs - 1]! : 0;
    for (let stage = 0; stage < stages; stage++) {
      const free = index > 0 ? ends[stage]![index - 1]! : 0;
      const reader = index >= ringSlots ? ends[stage + 1]?.[index - ringSlots] : undefined;
      ready = Math.max(ready, free, reader ?? 0) + stageTimes[stage]!;
      ends[stage]![index] = ready;
    }
    if (cursor.item.block === 0) firstBlock = ready;
  }
  const duration = ends[stages - 1]![items - 1]!;
  const total = stageTimes.reduce((sum, time) => sum + time, 0);
  return {
    duration,
    busyShare: (items * total) / (stages * duration),
    firstBlockShare: firstBlock / duration,
    bubbleShare: 1 - (items * Math.max(...stageTimes)) / duration,
  };
}
