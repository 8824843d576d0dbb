import type { PipelineInput } from '../../runner/pipeline/driver.ts';
import { CELLS, createSharedMemory } from '../../runner/pipeline/layout.ts';
import { joinRing } from '../../runner/pipeline/ring.ts';
import { type ItemRunner, openItemRunner } from '../../runner/pipeline/stage-loop.ts';
import { scheduleOf, stageTasks } from '../../runner/pipeline/stage-task.ts';
import { openSchedule } from '../../runner/plan/schedule.ts';

/** A run of all stages in one thread, one after another: what the pipeline is measured against. */
export interface SequentialRun {
  readonly milliseconds: number;
  /** Of those, what each stage took. */
  readonly stageMilliseconds: readonly number[];
}

/** Opens the pipeline's own stages in this thread; an item is to be given to each of them in order. */
export function openStages(input: PipelineInput, intraOpThreads: number, stack: DisposableStack): ItemRunner[] {
  const { plan, model, devices, conditional, unconditional, noise } = input;
  const prompts = [conditional, unconditional].filter((prompt) => prompt !== null);
  const { width } = model.config.transformer;
  const textTokens = conditional.shape[1]!;
  const shared = createSharedMemory(plan, { width, textTokens, dtype: 'F32', trace: false });
  // Nobody takes the blocks here: all places are free from the start.
  new Int32Array(shared.control)[CELLS.taken] = plan.blocks;
  const tasks = stageTasks(model, devices, { plan, prompts, dtype: 'F32', shared, noise, intraOpThreads });
  return tasks.map((task) =>
    openItemRunner(task, joinRing(shared.control, task.stage, tasks.length, plan.ringSlots), stack),
  );
}

/** Walks every item of a run through all stages. */
export function runSequentially(input: PipelineInput, intraOpThreads: number): SequentialRun {
  using stack = new DisposableStack();
  const stages = openStages(input, intraOpThreads, stack);
  const stageMilliseconds = new Array<number>(stages.length).fill(0);
  const cursor = openSchedule(scheduleOf(input.plan));
  const started = performance.now();
  let now = started;
  while (cursor.next()) {
    for (const [stage, run] of stages.entries()) {
      run(cursor.item);
      const then = now;
      now = performance.now();
      stageMilliseconds[stage]! += now - then;
    }
  }
  return { milliseconds: now - started, stageMilliseconds };
}
