/** How far everybody is in a run. */
export interface RunCounts {
  /** Items that each stage has finished. */
  readonly done: readonly number[];
  readonly itemsTotal: number;
  /** Blocks that have left the queue, and those of them that the main thread has copied out. */
  readonly finishedBlocks: number;
  readonly takenBlocks: number;
}

/**
 * Which stages have an item in hand, from the counters alone, whatever they say of themselves. A stage behind the first has one
 * when its input is there and its output has a free slot. The first one waits for finished blocks and for the last stage, so it
 * has one when nobody else has and no finished block waits to be taken.
 */
export function busyStages({ done, itemsTotal, finishedBlocks, takenBlocks }: RunCounts, slots: number): boolean[] {
  const hasRoom = (stage: number) => stage === done.length - 1 || done[stage]! - done[stage + 1]! < slots;
  const busy = done.map((count, stage) => stage > 0 && count < done[stage - 1]! && hasRoom(stage));
  busy[0] = done[0]! < itemsTotal && !busy.includes(true) && takenBlocks === finishedBlocks;
  return busy;
}
