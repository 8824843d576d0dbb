import { joinLatents, sliceLatents } from '../../runner/latents.ts';
import type { PipelineInput } from '../../runner/pipeline/driver.ts';
import { blockStates, CELLS, createSharedMemory, ownLatents, type SharedMemory } from '../../runner/pipeline/layout.ts';
import { wholeLine } from '../../runner/pipeline/line.ts';
import { joinRing } from '../../runner/pipeline/ring.ts';
import { type ItemRunner, openItemRunner } from '../../runner/pipeline/stage-loop.ts';
import { stageTasks } from '../../runner/pipeline/stage-task.ts';
import { scheduleOf } from '../../runner/plan/plan-schedule.ts';
import { openSchedule } from '../../runner/plan/schedule.ts';
import type { F32Tensor } from '../../runner/tensor.ts';

/** A run of all stages in one thread, one after another: what the pipeline is measured against. */
export interface SequentialRun {
  readonly milliseconds: number;
  /** Of those, what each stage took. */
  readonly stageMilliseconds: readonly number[];
}

/** Opens the pipeline's own stages in this thread; an item is to be given to each of them in order. */
export function openStages(input: PipelineInput, intraOpThreads: number, stack: DisposableStack): ItemRunner[] {
  return openStagesOver(sharedMemoryOf(input), input, intraOpThreads, stack);
}

function sharedMemoryOf({ plan, model, conditional }: PipelineInput): SharedMemory {
  const { width } = model.config.transformer;
  const textTokens = conditional.shape[1]!;
  return createSharedMemory(plan, { width, textTokens, dtype: 'F32', trace: false, device: 'cpu' });
}

function openStagesOver(
  shared: SharedMemory,
  input: PipelineInput,
  intraOpThreads: number,
  stack: DisposableStack,
): ItemRunner[] {
  const { plan, model, devices, conditional, unconditional, noise } = input;
  const prompts = [conditional, unconditional].filter((prompt) => prompt !== null);
  // Nobody takes the blocks here: all places are free from the start.
  new Int32Array(shared.control)[CELLS.taken] = plan.blocks;
  const tasks = stageTasks(model, devices, {
    plan,
    prompts,
    dtype: 'F32',
    shared,
    noise,
    firstIteration: 0,
    intraOpThreads,
  });
  return tasks.map((task) =>
    openItemRunner(task, joinRing(shared.control, task.stage, wholeLine(tasks.length), plan.ringSlots), stack),
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

/** The clean latents of a run in one thread, each block copied out when it has made its last step. */
export function sequentialFilm(input: PipelineInput): F32Tensor {
  const { plan } = input;
  using stack = new DisposableStack();
  const shared = sharedMemoryOf(input);
  const stages = openStagesOver(shared, input, 1, stack);
  const stateOf = blockStates(shared, plan);
  const blocks: F32Tensor[] = [];
  const cursor = openSchedule(scheduleOf(plan));
  while (cursor.next()) {
    const { block, step, branch, branches } = cursor.item;
    for (const run of stages) run(cursor.item);
    if (step < plan.sampling.steps - 1 || branch < branches - 1) continue;
    const shape = [1, plan.latentChannels, ownLatents(plan, block), plan.latentHeight, plan.latentWidth];
    blocks.push({ shape, data: stateOf(block).x.slice() });
  }
  return sliceLatents(joinLatents(blocks), 0, plan.latents);
}
