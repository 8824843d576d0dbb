/** What the order of work depends on. `expertOfStep[t]` is the expert (0 or 1) that makes step t of every block. */
export interface ScheduleSettings {
  readonly blocks: number;
  readonly steps: number;
  /**
   * Iterations between the entries of two blocks, so that a block's left neighbour is so many steps ahead of it: 1 as in the
   * paper, which is also what it is where nothing is said.
   */
  readonly stride?: number;
  readonly branches: number;
  readonly contextLatents: number;
  readonly expertOfStep: readonly number[];
  /**
   * `same-expert` unless said. `any-expert` is what the method's authors do, for comparing numbers with theirs
   * (docs/dualparal.md#two-experts).
   */
  readonly rightContext?: RightContext;
}

/** Whether a block may attend to features that its right neighbour made with the other expert. */
export type RightContext = 'same-expert' | 'any-expert';

/**
 * One pass of one branch of one block through all layers. Every stage does all items, in this order:
 * iterations upwards; in an iteration the blocks in flight from the newest to the oldest; of a block its branches, the
 * conditional one first. The fields of a cursor's item change as it moves.
 */
export interface Item {
  index: number;
  iteration: number;
  block: number;
  /** Denoising step that the block makes: iteration − stride · block. */
  step: number;
  branch: number;
  expert: number;
  /** The right neighbour's first latents are in the feature cache, left there in this iteration by an expert that this one may attend to. */
  hasRight: boolean;
  /** So many items must have left the last stage before this one may enter the first: its block and its left neighbour are then up to date. */
  needs: number;
}

/** Walks the items in order without allocating; all threads walk the same. */
export interface ScheduleCursor {
  readonly item: Readonly<Item>;
  /** Moves to the next item (to the first one at first); false after the last. */
  next(): boolean;
}

/** Iterations of a run: the last block enters at `stride · (blocks − 1)` and stays for `steps` of them. */
export function iterationsOf({
  blocks,
  steps,
  stride = 1,
}: Pick<ScheduleSettings, 'blocks' | 'steps' | 'stride'>): number {
  return steps + stride * (blocks - 1);
}

/** Blocks in flight at once, where there are as many. */
export function blocksInFlight({
  blocks,
  steps,
  stride = 1,
}: Pick<ScheduleSettings, 'blocks' | 'steps' | 'stride'>): number {
  return Math.min(blocks, Math.ceil(steps / stride));
}

/** Items of a run. */
export function itemsOf({ blocks, steps, branches }: ScheduleSettings): number {
  return blocks * steps * branches;
}

/** Newest block that has entered by an iteration; in flight unless it is older than {@link oldestIn}. */
function newestIn({ blocks, stride = 1 }: ScheduleSettings, iteration: number): number {
  return Math.min(Math.floor(iteration / stride), blocks - 1);
}

/** Oldest block that has not left before an iteration. */
function oldestIn({ steps, stride = 1 }: ScheduleSettings, iteration: number): number {
  return Math.max(0, Math.ceil((iteration - steps + 1) / stride));
}

/** A cursor before the first item. */
export function openSchedule(settings: ScheduleSettings): ScheduleCursor {
  const { branches, contextLatents, expertOfStep, stride = 1 } = settings;
  const count = itemsOf(settings);
  const item: Item = {
    index: -1,
    iteration: -1,
    block: 0,
    step: 0,
    branch: branches - 1,
    expert: 0,
    hasRight: false,
    needs: 0,
  };
  let previousStart = 0;
  let start = 0;

  /** Items up to and with all branches of `block` in the iteration before this one. */
  function doneWith(block: number): number {
    return previousStart + (newestIn(settings, item.iteration - 1) - block + 1) * branches;
  }

  /** With more iterations between two blocks than a block has steps, nobody is in flight in some of them. */
  function enterIteration(): void {
    do {
      item.iteration++;
      item.block = newestIn(settings, item.iteration);
      previousStart = start;
      start = item.index;
    } while (item.block < oldestIn(settings, item.iteration));
  }

  /** Items that must be done before the block is up to date, with its left neighbour if it looks at one. */
  function needsOf(block: number): number {
    if (contextLatents > 0 && block > 0 && block - 1 >= oldestIn(settings, item.iteration - 1))
      return doneWith(block - 1);
    if (item.step > 0) return doneWith(block);
    // The left neighbour left before the iteration before: whatever came before this block is done with it.
    return contextLatents > 0 ? start : 0;
  }

  function enterBlock(): void {
    const { block, iteration } = item;
    item.step = iteration - stride * block;
    item.expert = expertOfStep[item.step]!;
    const rightInFlight = block < newestIn(settings, iteration);
    const isUsable = settings.rightContext === 'any-expert' || expertOfStep[item.step - stride] === item.expert;
    item.hasRight = contextLatents > 0 && rightInFlight && isUsable;
    item.needs = needsOf(block);
  }

  return {
    item,
    next() {
      item.index++;
      if (item.index >= count) return false;
      item.branch = (item.branch + 1) % branches;
      if (item.branch > 0) return true;
      item.block--;
      if (item.block < oldestIn(settings, item.iteration)) enterIteration();
      enterBlock();
      return true;
    },
  };
}

/** All items as a list of records: for printing and for tests. */
export function allItems(settings: ScheduleSettings): readonly Item[] {
  const cursor = openSchedule(settings);
  const items: Item[] = [];
  while (cursor.next()) items.push({ ...cursor.item });
  return items;
}
