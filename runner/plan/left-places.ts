import { blocksInFlight, type Item, openSchedule, type ScheduleSettings } from './schedule.ts';

/**
 * Says item by item where what its left neighbour left at the same step is kept, and where it leaves its own: at places of the
 * item's branch, numbered from 0. The fields change as it moves.
 */
export interface LeftPlaces {
  /** Places that each branch needs. */
  readonly countOf: readonly number[];
  /** −1 for the first block, which has no left neighbour. */
  readonly read: number;
  /** −1 for the last block, which is nobody's left neighbour. */
  readonly written: number;
  /** Moves to an item. They come in the schedule's order, each one once; those of other branches may be left out. */
  enter(item: Pick<Item, 'block' | 'branch'>): void;
}

/**
 * Places for keys and values that wait for the right neighbour to come to the same step, `stride` iterations later: as many as
 * are needed at once. Neighbours do their steps in the same order, so what waits is a queue, read in the order in which it was
 * written, and its places can be taken in turn.
 */
export function leftPlaces(settings: ScheduleSettings): LeftPlaces {
  const countOf = mostAtOnce(settings);
  const reads = countOf.map(() => 0);
  const writes = countOf.map(() => 0);
  const last = settings.blocks - 1;

  function nextOf(turns: number[], branch: number): number {
    const place = turns[branch]!;
    turns[branch] = (place + 1) % countOf[branch]!;
    return place;
  }

  const places = {
    countOf,
    read: -1,
    written: -1,
    enter({ block, branch }: Pick<Item, 'block' | 'branch'>) {
      places.read = block > 0 ? nextOf(reads, branch) : -1;
      places.written = block < last ? nextOf(writes, branch) : -1;
    },
  };
  return places;
}

/**
 * Per branch the most that waits at once, what an item reads and what it writes among it. In a queue that is full at both ends
 * that is one more than the branch has steps, in a shorter one fewer; two blocks more than fit into the queue show it full.
 */
function mostAtOnce(settings: ScheduleSettings): readonly number[] {
  const fitting = blocksInFlight({ ...settings, blocks: Number.POSITIVE_INFINITY });
  const blocks = Math.min(settings.blocks, fitting + 2);
  const waiting = new Array<number>(settings.branches).fill(0);
  const most = [...waiting];
  const cursor = openSchedule({ ...settings, blocks });
  while (cursor.next()) {
    const { block, branch } = cursor.item;
    if (block < blocks - 1) waiting[branch]!++;
    most[branch] = Math.max(most[branch]!, waiting[branch]!);
    if (block > 0) waiting[branch]!--;
  }
  return most;
}
