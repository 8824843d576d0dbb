import { sliceLatents } from '../latents.ts';
import { blockSpan } from '../plan/blocks.ts';
import type { Plan } from '../plan/plan.ts';
import { itemsOf, openSchedule, type ScheduleSettings } from '../plan/schedule.ts';
import type { F32Tensor } from '../tensor.ts';
import { blockStates, CELLS, ownLatents, type SharedMemory, traceOf } from './layout.ts';
import { raise } from './ring.ts';
import type { RunCounts } from './stuck.ts';

/** What happens in a run. Numbers count from 0; `done` is block-steps so far. Events come soon after the fact, in order. */
export type PipelineEvent =
  | { readonly kind: 'stageReady'; readonly stage: number; readonly device: string }
  | {
      readonly kind: 'blockStep';
      readonly iteration: number;
      readonly block: number;
      readonly step: number;
      readonly done: number;
    }
  | { readonly kind: 'blockFinished'; readonly block: number };

/** A block that has left the queue: `latents [1, C, F, h, w]`, normalised, without the film's surplus; the receiver's own. */
export interface FinishedBlock {
  readonly index: number;
  readonly firstLatent: number;
  readonly latents: F32Tensor;
}

/** What a stage does right now; `block` is undefined while it waits. */
export interface StageLane {
  readonly block: number | undefined;
  readonly itemsDone: number;
  readonly itemsTotal: number;
}

/** The main thread's view of a run. It never blocks: it sleeps on the last stage's counter without holding the event loop. */
export interface Watch {
  /** Reports what the last stage has done since the last call. */
  advance(): void;
  /** Ends the watch with an error; the first one counts. No blocks come after those that are finished already. */
  fail(error: Error): void;
  /** How far everybody is, for those who look for a stage that hangs. */
  counts(): RunCounts;
  /** Rejects when the run has failed; never resolves. */
  readonly failed: Promise<never>;
  finishedBlocks(): AsyncGenerator<FinishedBlock, void, undefined>;
  lanes(): readonly StageLane[];
  latentsAfter(iteration: number, block: number): F32Tensor;
}

/** Follows the schedule as the last stage's counter grows, in step with the threads that share `memory`. */
export function watchRun(
  plan: Plan,
  schedule: ScheduleSettings,
  memory: SharedMemory,
  onEvent: (event: PipelineEvent) => void,
): Watch {
  const cells = new Int32Array(memory.control);
  const lastStage = CELLS.done(plan.stages.length - 1);
  const itemsTotal = itemsOf(schedule);
  const stateOf = blockStates(memory, plan);
  const cursor = openSchedule(schedule);
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  let error: Error | undefined;
  let seen = 0;
  let finished = 0;
  let change = Promise.withResolvers<void>();

  function report(): void {
    const { index, iteration, block, step, branch } = cursor.item;
    if (branch < plan.branches - 1) return;
    onEvent({ kind: 'blockStep', iteration, block, step, done: (index + 1) / plan.branches });
    if (step < plan.sampling.steps - 1) return;
    finished = block + 1;
    onEvent({ kind: 'blockFinished', block });
  }

  function advance(): void {
    const done = Atomics.load(cells, lastStage);
    try {
      while (seen < done && cursor.next()) {
        seen++;
        report();
      }
    } catch (reason) {
      // Whoever listens has failed: without its listener the run is of no use.
      fail(reason as Error);
    }
    wake();
  }

  function wake(): void {
    change.resolve();
    change = Promise.withResolvers();
  }

  async function follow(): Promise<void> {
    while (seen < itemsTotal && error === undefined) {
      advance();
      const { value } = Atomics.waitAsync(cells, lastStage, seen);
      if (seen < itemsTotal && error === undefined) await value;
    }
  }

  function take(index: number): FinishedBlock {
    const { firstLatent, latents } = blockSpan(plan, index);
    const kept = index === plan.blocks - 1 ? latents - plan.surplusLatents : latents;
    const tensor = sliceLatents(videoOf(stateOf(index).x, latents), 0, kept);
    raise(cells, CELLS.taken);
    return { index, firstLatent, latents: tensor };
  }

  function videoOf(data: Float32Array, latents: number): F32Tensor {
    return { shape: [1, plan.latentChannels, latents, plan.latentHeight, plan.latentWidth], data };
  }

  function fail(reason: Error): void {
    if (error !== undefined) return;
    error = reason;
    failure.reject(reason);
    Atomics.notify(cells, lastStage);
    wake();
  }

  void follow();
  return {
    advance,
    fail,
    failed: failure.promise,
    async *finishedBlocks() {
      for (let index = 0; index < plan.blocks; index++) {
        while (finished <= index) {
          if (error !== undefined) throw error;
          await change.promise;
        }
        yield take(index);
      }
    },
    counts: () => ({
      done: plan.stages.map((_, stage) => Atomics.load(cells, CELLS.done(stage))),
      itemsTotal,
      finishedBlocks: finished,
      takenBlocks: Atomics.load(cells, CELLS.taken),
    }),
    lanes: () =>
      plan.stages.map((_, stage) => {
        const working = Atomics.load(cells, CELLS.working(stage));
        const itemsDone = Atomics.load(cells, CELLS.done(stage));
        return { block: working > 0 ? working - 1 : undefined, itemsDone, itemsTotal };
      }),
    latentsAfter(iteration, block) {
      const latents = ownLatents(plan, block);
      const ordinal = ordinalOf(schedule, iteration, block);
      return sliceLatents(videoOf(traceOf(memory, plan, ordinal, block)!, latents), 0, latents);
    },
  };
}

/** Place of a block-step in schedule order. */
function ordinalOf(schedule: ScheduleSettings, iteration: number, block: number): number {
  const cursor = openSchedule(schedule);
  while (cursor.next()) {
    if (cursor.item.iteration === iteration && cursor.item.block === block) {
      return cursor.item.index / schedule.branches;
    }
  }
  throw new RangeError(`block ${block} is not in flight in iteration ${iteration}`);
}
