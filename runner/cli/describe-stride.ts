import type { Plan } from '../plan/plan.ts';
import { scheduleOf } from '../plan/plan-schedule.ts';
import { type StridedRun, type StrideOutlook, strideOutlook, widestStride } from '../plan/stride.ts';

/** What the plan's stride costs and gives; of `all`, that of every stride that `auto` may choose from, too, after it. */
export function stridesOf(plan: Plan, all: boolean): readonly StrideOutlook[] {
  const run = stridedRun(plan);
  const others = all ? Array.from({ length: widestStride(run) }, (_, index) => index + 1) : [];
  return [plan.stride, ...others.filter((stride) => stride !== plan.stride)].map((stride) =>
    strideOutlook(run, stride),
  );
}

/** The same for people; lengths of runs are told against the one at stride 1. */
export function describeStrides(plan: Plan, all: boolean): readonly string[] {
  const atOne = strideOutlook(stridedRun(plan), 1).duration;
  return stridesOf(plan, all).map((outlook, index) => `${index === 0 ? '  ' : '    or '}${line(outlook, plan, atOne)}`);
}

function stridedRun(plan: Plan): StridedRun {
  const { stages, ringSlots } = plan;
  return { ...scheduleOf(plan), stages: stages.length, ringSlots, guidanceParallel: stages[0]!.branch !== null };
}

function line(outlook: StrideOutlook, { blocks }: Plan, atOne: number): string {
  const { stride, gap, blocksInFlight, busyShare, firstBlock, duration } = outlook;
  const busy = `stages busy ${percent(busyShare)} of the run`;
  if (blocks === 1) return `stride ${stride}: one block, ${busy}`;
  const flight = `${blocksInFlight} block${blocksInFlight === 1 ? '' : 's'} in flight`;
  const first = `first block done after ${percent(firstBlock / duration)} of the run`;
  const longer = stride === 1 ? '' : `, which takes ${(duration / atOne).toFixed(2)} × as long as at stride 1`;
  return `stride ${stride}: left neighbours ${percent(gap)} of the steps ahead, ${flight}, ${busy}, ${first}${longer}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
