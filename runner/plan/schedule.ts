/** What the order of work depends on. `expertOfStep[t]` is the expert (0 or 1) that makes step t of every block. */
export interface ScheduleSettings {
  readonly blocks: number;
  readonly steps: number;
  /**
   * Iterations between the entries of two blocks, so that a block's left neighbour is so many steps ahead of it: 1 as in the
   * paper, which is also what it is where nothing is said.
   */
  readonly stride?: number;
  /** Guidance branches of a block-step: 1, or 2 where guidance is on. */
  readonly branches: number;
  /** Branches of step t of every block, where guidance is off in some (docs/beyond-the-paper.md#guidance-in-an-interval). */
  readonly branchesOfStep?: readonly number[];
  readonly contextLatents: number;
  readonly expertOfStep: readonly number[];
  /**
   * `same-expert` unless said. `any-expert` is what the method's authors do, for comparing numbers with theirs
   * (docs/dualparal.md#two-experts).
   */
  readonly rightContext?: RightContext;
  readonly leftContext?: LeftContext;
}

/** Whether a block may attend to features that its right neighbour made with the other expert. */
export type RightContext = 'same-expert' | 'any-expert';

/**
 * Where a block's left context comes from: `recompute`, as in the paper and where nothing is said, puts the left neighbour's
 * latents through the layers again; `reuse` takes the keys and values that they left when they made the same step
 * (docs/beyond-the-paper.md#left-context-reused).
 */
export type LeftContext = 'recompute' | 'reuse';

/**
 * One pass of one branch of one block through all layers. Every stage does all items, in this order:
 * iterations upwards; in an iteration the blocks in flight from the newest to the oldest; of a block its branches, the
 * conditional one first. The fields of a cursor's item change as it moves.
 */
export interface Item {
  index: number;
  /** Block-steps before this item's own. */
  ordinal: number;
  iteration: number;
  block: number;
  /** Denoising step that the block makes: iteration − stride · block. */
  step: number;
  branch: number;
  /** Branches of its block-step. */
  branches: number;
  expert: number;
  /**
   * How many items ago the same branch of the right neighbour left its first latents in the feature cache, in this iteration and
   * by an expert that this one may attend to; 0 where there is nothing to see.
   */
  sinceRight: number;
  /** So many items must have left the last stage before this one may enter the first: its block and its left neighbour are then up to date. */
  needs: number;
}

/** Walks the items in order without allocating; all threads walk the same. */
export interface ScheduleCursor {
  readonly item: Readonly<Item>;
  /** Moves to the next item (to the first one at first); false after the last. */
  next(): boolean;
}

type Span = Pick<ScheduleSettings, 'blocks' | 'steps' | 'stride'>;

/** Iterations of a run: the last block enters at `stride · (blocks − 1)` and stays for `steps` of them. */
export function iterationsOf({ blocks, steps, stride = 1 }: Span): number {
  return steps + stride * (blocks - 1);
}

/** Blocks in flight at once, where there are as many. */
export function blocksInFlight({ blocks, steps, stride = 1 }: Span): number {
  return Math.min(blocks, Math.ceil(steps / stride));
}

/** Items of a run. */
export function itemsOf({ blocks, steps, branches, branchesOfStep }: ScheduleSettings): number {
  return blocks * (branchesOfStep?.reduce((sum, count) => sum + count, 0) ?? steps * branches);
}

/** Newest block that has entered by an iteration; in flight unless it is older than {@link oldestIn}. */
function newestIn({ blocks, stride = 1 }: ScheduleSettings, iteration: number): number {
  return Math.min(Math.floor(iteration / stride), blocks - 1);
}

/** Oldest block that has not left before an iteration. */
function oldestIn({ steps, stride = 1 }: ScheduleSettings, iteration: number): number {
  return Math.max(0, Math.ceil((iteration - steps + 1) / stride));
}

/** Blocks after an iteration: those below `finished` have left the queue, those from `started` on are yet to enter it. */
export function queueAfter(settings: ScheduleSettings, iteration: number) {
  return { finished: oldestIn(settings, iteration + 1), started: newestIn(settings, iteration) + 1 };
}

/** Whether a block is the last one that makes a step in an iteration. */
export function isLastIn(settings: ScheduleSettings, { block, iteration }: Pick<Item, 'block' | 'iteration'>): boolean {
  return block <= oldestIn(settings, iteration);
}

/** Branches that step `step` of every block has. */
export function branchesAt(
  { branches, branchesOfStep }: Pick<ScheduleSettings, 'branches' | 'branchesOfStep'>,
  step: number,
): number {
  return branchesOfStep?.[step] ?? branches;
}

/**
 * Per step t the branches of steps t, t − stride, t − 2 · stride, …: the items of an iteration from the newest possible block up
 * to the one at step t.
 */
function branchesUpTo(settings: ScheduleSettings): Int32Array {
  const { steps, stride = 1 } = settings;
  const sums = new Int32Array(steps);
  for (let step = 0; step < steps; step++) {
    sums[step] = branchesAt(settings, step) + (step < stride ? 0 : sums[step - stride]!);
  }
  return sums;
}

/** A cursor before the first item. */
export function openSchedule(settings: ScheduleSettings): ScheduleCursor {
  const { contextLatents, expertOfStep, leftContext, rightContext, stride = 1 } = settings;
  const count = itemsOf(settings);
  const upTo = branchesUpTo(settings);
  const seesLeft = contextLatents > 0 && leftContext !== 'reuse';
  const item: Item = {
    index: -1,
    ordinal: -1,
    iteration: -1,
    block: 0,
    step: 0,
    branch: 0,
    branches: 1,
    expert: 0,
    sinceRight: 0,
    needs: 0,
  };
  let previousStart = 0;
  let start = 0;

  /** Items up to and with all branches of `block` in the iteration before this one. */
  function doneWith(block: number): number {
    const iteration = item.iteration - 1;
    const beforeNewest = iteration - stride * (newestIn(settings, iteration) + 1);
    return previousStart + upTo[iteration - stride * block]! - (beforeNewest < 0 ? 0 : upTo[beforeNewest]!);
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
    if (seesLeft && block > 0 && block - 1 >= oldestIn(settings, item.iteration - 1)) return doneWith(block - 1);
    if (item.step > 0) return doneWith(block);
    // The left neighbour left before the iteration before: whatever came before this block is done with it.
    return seesLeft ? start : 0;
  }

  /** Items between a branch of the block and the same one of its right neighbour, if that is one to look at. */
  function sinceRightOf(block: number, branch: number): number {
    if (contextLatents === 0 || block >= newestIn(settings, item.iteration)) return 0;
    const step = item.step - stride;
    if (rightContext !== 'any-expert' && expertOfStep[step] !== item.expert) return 0;
    const rightBranches = branchesAt(settings, step);
    return branch < rightBranches ? rightBranches : 0;
  }

  function enterBlock(): void {
    const { block, iteration } = item;
    item.ordinal++;
    item.step = iteration - stride * block;
    item.branches = branchesAt(settings, item.step);
    item.expert = expertOfStep[item.step]!;
    item.needs = needsOf(block);
  }

  function nextBlock(): void {
    item.branch = 0;
    item.block--;
    if (item.block < oldestIn(settings, item.iteration)) enterIteration();
    enterBlock();
  }

  return {
    item,
    next() {
      item.index++;
      if (item.index >= count) return false;
      if (item.ordinal >= 0 && item.branch + 1 < item.branches) item.branch++;
      else nextBlock();
      item.sinceRight = sinceRightOf(item.block, item.branch);
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
