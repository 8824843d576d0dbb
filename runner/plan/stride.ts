import type { ScheduleSettings } from './schedule.ts';
import { blocksInFlight, itemsOf } from './schedule.ts';
import { simulate } from './simulate.ts';

/** What a stride costs and gives, with stages that all take the same time. */
export interface StrideOutlook {
  readonly stride: number;
  /** How far a block's left neighbour is ahead of it, as a share of all steps. */
  readonly gap: number;
  readonly blocksInFlight: number;
  /** Share of the run in which the stages compute. */
  readonly busyShare: number;
  /** When the first block is finished, and the film; the unit is the time that one stage needs for one item. */
  readonly firstBlock: number;
  readonly duration: number;
}

/** A run as strides are weighed for it. */
export interface StridedRun extends Omit<ScheduleSettings, 'stride' | 'expertOfStep' | 'rightContext'> {
  readonly stages: number;
  readonly ringSlots: number;
  /** Each guidance branch has half of the stages. */
  readonly guidanceParallel?: boolean;
}

/** From about a sixth of all steps on, motion goes on through the joins (docs/beyond-the-paper.md): more gap only costs. */
const WANTED_GAP = 1 / 6;
/** What `auto` may give up of the share that stride 1 keeps busy. */
const KEPT_SHARE = 0.95;
/**
 * Once the queue has been full for a while, the run repeats itself: with context every block, without it every few, which is a whole
 * number of times in so many blocks, or nearly so.
 */
const BLOCKS_OF_A_PERIOD = 60;

/** The outlook of one stride. */
export function strideOutlook(run: StridedRun, stride: number): StrideOutlook {
  const { blocks, steps } = run;
  const { firstBlock, duration } = timesOf(run, stride);
  return {
    stride,
    gap: stride / steps,
    blocksInFlight: blocksInFlight({ blocks, steps, stride }),
    busyShare: itemsOf({ ...run, expertOfStep: [] }) / duration,
    firstBlock,
    duration,
  };
}

/** A long film's times follow from those of two shorter ones, a period apart. */
function timesOf(run: StridedRun, stride: number): { readonly firstBlock: number; readonly duration: number } {
  const { blocks, steps, stages } = run;
  const settled = 2 * (blocksInFlight({ blocks, steps, stride }) + stages);
  if (blocks <= settled + BLOCKS_OF_A_PERIOD) return simulateBlocks(run, stride, blocks);
  const shorter = settled + ((blocks - settled) % BLOCKS_OF_A_PERIOD);
  const { firstBlock, duration } = simulateBlocks(run, stride, shorter);
  const period = simulateBlocks(run, stride, shorter + BLOCKS_OF_A_PERIOD).duration - duration;
  return { firstBlock, duration: duration + ((blocks - shorter) / BLOCKS_OF_A_PERIOD) * period };
}

/**
 * With guidance in parallel, half of the stages follow every block-step, with twice the layers each; the other half does as
 * much or rests.
 */
function simulateBlocks(run: StridedRun, stride: number, blocks: number) {
  const { stages, ringSlots, guidanceParallel, branchesOfStep, ...rest } = run;
  const settings = { ...rest, blocks, stride, expertOfStep: new Array<number>(run.steps).fill(0) };
  if (guidanceParallel === true) {
    return simulate({ ...settings, branches: 1 }, { stageTimes: new Array<number>(stages / 2).fill(2), ringSlots });
  }
  const schedule = branchesOfStep === undefined ? settings : { ...settings, branchesOfStep };
  return simulate(schedule, { stageTimes: new Array<number>(stages).fill(1), ringSlots });
}

/** The largest stride that `auto` may choose: the first whose gap is wide enough. */
export function widestStride({ blocks, steps }: Pick<StridedRun, 'blocks' | 'steps'>): number {
  return blocks === 1 ? 1 : Math.ceil(steps * WANTED_GAP);
}

/** The stride of a run: the one asked for, or the largest up to {@link widestStride} that keeps the stages busy. */
export function chooseStride(run: StridedRun, wanted: number | 'auto'): number {
  if (wanted !== 'auto') return wanted;
  const least = KEPT_SHARE * strideOutlook(run, 1).busyShare;
  let stride = widestStride(run);
  while (stride > 1 && strideOutlook(run, stride).busyShare < least) stride--;
  return stride;
}
