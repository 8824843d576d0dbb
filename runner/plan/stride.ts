import type { ScheduleSettings } from './schedule.ts';
import { blocksInFlight } from './schedule.ts';
import { simulate } from './simulate.ts';

/** What a stride costs and gives, with stages that all take the same time. */
export interface StrideOutlook {
  readonly stride: number;
  /** How far a block's left neighbour is ahead of it, as a share of all steps. */
  readonly gap: number;
  readonly blocksInFlight: number;
  /** Share of the run in which the stages compute. */
  readonly busyShare: number;
  /** Share of the run after which the first block is finished. */
  readonly firstBlockShare: number;
}

/** A run as strides are weighed for it. */
export interface StridedRun extends Omit<ScheduleSettings, 'stride' | 'expertOfStep' | 'rightContext'> {
  readonly stages: number;
  readonly ringSlots: number;
}

/** From about a sixth of all steps on, motion goes on through the joins (docs/beyond-the-paper.md): more gap only costs. */
const WANTED_GAP = 1 / 6;
/** What `auto` may give up of the share that stride 1 keeps busy. */
const KEPT_SHARE = 0.95;
/** Longer films are weighed by their first blocks: in between, all iterations are alike. */
const BLOCKS_WEIGHED = 128;

/** The outlook of one stride. */
export function strideOutlook(run: StridedRun, stride: number): StrideOutlook {
  const { stages, ringSlots, blocks, steps, ...rest } = run;
  const weighed = Math.min(blocks, Math.max(BLOCKS_WEIGHED, 2 * blocksInFlight({ blocks, steps, stride })));
  const settings = { ...rest, blocks: weighed, steps, stride, expertOfStep: new Array<number>(steps).fill(0) };
  const { busyShare, firstBlockShare } = simulate(settings, { stageTimes: new Array(stages).fill(1), ringSlots });
  return {
    stride,
    gap: stride / steps,
    blocksInFlight: blocksInFlight({ blocks, steps, stride }),
    busyShare,
    firstBlockShare: (firstBlockShare * weighed) / blocks,
  };
}

/** The outlooks of every stride that `auto` may choose from: up to the first whose gap is wide enough. */
export function strideOutlooks(run: StridedRun): readonly StrideOutlook[] {
  const widest = run.blocks === 1 ? 1 : Math.max(1, Math.ceil(run.steps * WANTED_GAP));
  return Array.from({ length: widest }, (_, index) => strideOutlook(run, index + 1));
}

/** The stride of a run: the one asked for, or the largest of {@link strideOutlooks} that keeps the stages busy. */
export function chooseStride(run: StridedRun, wanted: number | 'auto'): number {
  if (wanted !== 'auto') return wanted;
  const outlooks = strideOutlooks(run);
  const least = KEPT_SHARE * outlooks[0]!.busyShare;
  return outlooks.findLast(({ busyShare }) => busyShare >= least)!.stride;
}
