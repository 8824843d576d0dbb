import type { Item } from '../plan/schedule.ts';
import type { Line } from './line.ts';

/** A line, how many items pass it, and which of them is in hand at its two ends; null once an end is through with all. */
export interface LineCounts extends Line {
  readonly items: number;
  readonly entering: Pick<Item, 'block' | 'step' | 'branch' | 'needs'> | null;
  readonly leaving: Pick<Item, 'branches'> | null;
}

/** How far everybody is in a run. */
export interface RunCounts {
  /** Items that each stage has finished. */
  readonly done: readonly number[];
  /** The one that updates the blocks first. */
  readonly lines: readonly LineCounts[];
  /** Velocities of the second line that the first one has used. */
  readonly velocitiesUsed: number;
  /** Places for block states. */
  readonly places: number;
  /** Blocks that have their first noise, and those that have left the queue and were copied out by the main thread. */
  readonly startedBlocks: number;
  readonly takenBlocks: number;
}

/**
 * Which stages have an item in hand, from the counters alone, whatever they say of themselves: those for which nothing is missing
 * that they wait for. The updating stage waits for the other line only after its layers, so while that line is late it may be
 * at work all the same; should it hang there, it is found once the other line has caught up.
 */
export function busyStages(counts: RunCounts, slots: number): boolean[] {
  const { done, lines } = counts;
  const busy = new Array<boolean>(done.length).fill(false);
  for (const line of lines) {
    for (let stage = line.first; stage <= line.last; stage++) {
      const hasInput = stage === line.first ? mayEnter(counts, line) : done[stage]! < done[stage - 1]!;
      busy[stage] = hasInput && hasRoom(counts, line, stage, slots);
    }
    if (lacksVelocity(counts, line)) busy[line.last] = false;
  }
  return busy;
}

/** Whether the first stage's next block and its left neighbour are up to date, and a new one has a place. */
function mayEnter({ done, places, startedBlocks, takenBlocks }: RunCounts, line: LineCounts): boolean {
  const { entering, branch, updater } = line;
  if (entering === null) return false;
  if (entering.branch > 0 && branch === null) return true;
  if (done[updater]! < entering.needs) return false;
  if (entering.step > 0) return true;
  return branch === 1 ? entering.block < startedBlocks : entering.block < takenBlocks + places;
}

function hasRoom({ done, velocitiesUsed }: RunCounts, line: Line, stage: number, slots: number): boolean {
  if (stage < line.last) return done[stage]! - done[stage + 1]! < slots;
  return line.branch !== 1 || done[stage]! - velocitiesUsed < slots;
}

/** Whether the updating stage's item needs a velocity that the other line has not handed over yet. */
function lacksVelocity({ done, lines, velocitiesUsed }: RunCounts, { branch, leaving }: LineCounts): boolean {
  if (branch !== 0 || leaving === null || leaving.branches < 2) return false;
  return done[lines[1]!.last]! <= velocitiesUsed;
}
