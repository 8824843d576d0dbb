import type { Plan } from '../plan/plan.ts';
import { type StridedRun, type StrideOutlook, strideOutlook, strideOutlooks } from '../plan/stride.ts';

/** What the plan's stride costs and gives; of `all`, that of every stride that `auto` may choose from, too. */
export function describeStride(plan: Plan, all: boolean): readonly string[] {
  const run = stridedRun(plan);
  const chosen = `  ${line(strideOutlook(run, plan.stride), plan)}`;
  if (!all) return [chosen];
  const others = strideOutlooks(run).filter(({ stride }) => stride !== plan.stride);
  return [chosen, ...others.map((outlook) => `    or ${line(outlook, plan)}`)];
}

function stridedRun({ blocks, sampling, branches, contextLatents, stages, ringSlots }: Plan): StridedRun {
  return { blocks, steps: sampling.steps, branches, contextLatents, stages: stages.length, ringSlots };
}

function line({ stride, gap, blocksInFlight, busyShare, firstBlockShare }: StrideOutlook, { blocks }: Plan): string {
  const busy = `stages busy ${percent(busyShare)} of the run`;
  if (blocks === 1) return `stride ${stride}: one block, ${busy}`;
  const flight = `${blocksInFlight} block${blocksInFlight === 1 ? '' : 's'} in flight`;
  const first = `first block done after ${percent(firstBlockShare)} of the run`;
  return `stride ${stride}: left neighbours ${percent(gap)} of the steps ahead, ${flight}, ${busy}, ${first}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
