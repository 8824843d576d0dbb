import type { Plan } from '../plan/plan.ts';
import { createPatience, LOOK_EVERY_MILLISECONDS, loadingPatience, type PatienceSettings } from '../thread/patience.ts';
import { pipelineError } from './errors.ts';
import { stageName } from './stage-task.ts';
import { busyStages } from './stuck.ts';
import type { Watch } from './watch.ts';

/** Who looks for stages that hang. */
export interface HangWatch {
  /** A stage has loaded: from now on its items are looked at. */
  loaded(stage: number): void;
  stop(): void;
}

/**
 * Ends the run with an error that names the stage, once one has been loading, or at an item, out of all proportion. Stages load side
 * by side, and the first one says when the others may go on: where several are late, the first one is named.
 */
export function lookForHangs(plan: Plan, watch: Watch, settings: PatienceSettings | undefined): HangWatch {
  const loading = new Map(plan.stages.map((_, stage) => [stage, loadingPatience(settings)]));
  const items = plan.stages.map(() => createPatience(settings));

  function lookAtLoading(): void {
    for (const [stage, patience] of loading) {
      const stuck = patience.look(0, true, performance.now());
      if (stuck === undefined) continue;
      const values = { stage: stageName(plan, stage), seconds: Math.round(stuck / 1000) };
      watch.fail(pipelineError('E_PIPELINE_LOAD_HUNG', values));
    }
  }

  function lookAtItems(): void {
    const counts = watch.counts();
    const busy = busyStages(counts, plan.ringSlots);
    const totals = plan.stages.map((_, stage) => counts.lines.find(({ last }) => stage <= last)!.items);
    for (const [stage, patience] of items.entries()) {
      const item = counts.done[stage]!;
      const stuck = patience.look(item, busy[stage]!, performance.now());
      if (stuck === undefined) continue;
      const seconds = Math.round(stuck / 1000);
      const values = { stage: stageName(plan, stage), item, total: totals[stage]!, seconds };
      watch.fail(pipelineError('E_PIPELINE_STAGE_HUNG', values));
    }
  }

  const looking = setInterval(() => (loading.size > 0 ? lookAtLoading() : lookAtItems()), LOOK_EVERY_MILLISECONDS);
  return {
    loaded: (stage) => void loading.delete(stage),
    stop: () => clearInterval(looking),
  };
}
