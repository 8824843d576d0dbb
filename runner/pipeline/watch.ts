import { sliceLatents } from '../latents.ts';
import { blockSpan } from '../plan/blocks.ts';
import type { Plan } from '../plan/plan.ts';
import { type Item, openSchedule, type ScheduleCursor, type ScheduleSettings } from '../plan/schedule.ts';
import type { F32Tensor } from '../tensor.ts';
import { blockStates, CELLS, ownLatents, placesOf, type SharedMemory, traceOf } from './layout.ts';
import { itemsBefore, type Line, lineItems, lineOf, linesOf, openLine, openLineFrom } from './line.ts';
import { finishedBefore } from './resume.ts';
import { raise } from './ring.ts';
import type { RunCounts } from './stuck.ts';

/** What happens in a run. Numbers count from 0; `done` is block-steps so far. Events come soon after the fact, in order. */
export type PipelineEvent =
  | { readonly kind: 'stageReady'; readonly stage: number; readonly device: string }
  | ({ readonly kind: 'blockStep' } & BlockStep)
  | { readonly kind: 'blockFinished'; readonly block: number };

export interface BlockStep {
  readonly iteration: number;
  readonly block: number;
  readonly step: number;
  readonly done: number;
}

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

/** Who listens, and where the run begins. */
export interface WatchOptions {
  readonly onEvent: (event: PipelineEvent) => void;
  /** Takes a copy of each block as soon as it is finished, long before it may be taken. */
  readonly onFinished?: ((block: FinishedBlock) => void) | undefined;
  readonly firstIteration?: number;
}

/** Follows the schedule as the last stage's counter grows, in step with the threads that share `memory`. */
export function watchRun(
  plan: Plan,
  schedule: ScheduleSettings,
  memory: SharedMemory,
  { onEvent, onFinished, firstIteration = 0 }: WatchOptions,
): Watch {
  const cells = new Int32Array(memory.control);
  const lines = linesOf(plan);
  const lastStage = CELLS.done(lines[0]!.last);
  const itemsTotal = lineItems(schedule, lines[0]!);
  const stateOf = blockStates(memory, plan);
  const cursor = openLineFrom(schedule, lines[0]!, firstIteration);
  const followed = lines.map((line) => ({
    ...line,
    items: lineItems(schedule, line),
    enteringAt: openFollower(openLine(schedule, line)),
    leavingAt: openFollower(openLine(schedule, line)),
  }));
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  let error: Error | undefined;
  let seen = itemsBefore(schedule, lines[0]!, firstIteration);
  let finished = finishedBefore({ schedule, firstIteration });
  let taken = finished;
  let change = Promise.withResolvers<void>();

  function report(): void {
    const { ordinal, iteration, block, step } = cursor.item;
    if (!isUpdated(cursor.item, lines[0]!)) return;
    onEvent({ kind: 'blockStep', iteration, block, step, done: ordinal + 1 });
    if (step < plan.sampling.steps - 1) return;
    finished = block + 1;
    onFinished?.(read(block));
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

  function read(index: number): FinishedBlock {
    const { firstLatent, latents } = blockSpan(plan, index);
    const kept = index === plan.blocks - 1 ? latents - plan.surplusLatents : latents;
    return { index, firstLatent, latents: sliceLatents(videoOf(stateOf(index).x, latents), 0, kept) };
  }

  function take(index: number): FinishedBlock {
    const block = read(index);
    raise(cells, CELLS.taken);
    return block;
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
      while (taken < plan.blocks) {
        while (finished <= taken) {
          if (error !== undefined) throw error;
          await change.promise;
        }
        yield take(taken++);
      }
    },
    counts() {
      const done = plan.stages.map((_, stage) => Atomics.load(cells, CELLS.done(stage)));
      return {
        done,
        lines: followed.map(({ enteringAt, leavingAt, ...line }) => ({
          ...line,
          entering: enteringAt(done[line.first]!),
          leaving: leavingAt(done[line.last]!),
        })),
        velocitiesUsed: Atomics.load(cells, CELLS.velocitiesUsed),
        places: placesOf(plan),
        startedBlocks: Atomics.load(cells, CELLS.started),
        takenBlocks: Atomics.load(cells, CELLS.taken),
      };
    },
    lanes: () =>
      plan.stages.map((_, stage) => {
        const working = Atomics.load(cells, CELLS.working(stage));
        const itemsDone = Atomics.load(cells, CELLS.done(stage));
        const items = lineItems(schedule, lineOf(plan, stage));
        return { block: working > 0 ? working - 1 : undefined, itemsDone, itemsTotal: items };
      }),
    latentsAfter(iteration, block) {
      const latents = ownLatents(plan, block);
      const ordinal = ordinalOf(schedule, iteration, block);
      return sliceLatents(videoOf(traceOf(memory, plan, ordinal, block)!, latents), 0, latents);
    },
  };
}

/** Whether an item is the last of its block-step on the line that updates. */
function isUpdated({ branch, branches }: Readonly<Item>, line: Line): boolean {
  return line.branch !== null || branch === branches - 1;
}

/** Gives the item at an index that only grows from call to call; null past the last. */
function openFollower(cursor: ScheduleCursor): (index: number) => Readonly<Item> | null {
  return (index) => {
    while (cursor.item.index < index) if (!cursor.next()) return null;
    return cursor.item;
  };
}

/** Place of a block-step in schedule order. */
function ordinalOf(schedule: ScheduleSettings, iteration: number, block: number): number {
  const cursor = openSchedule(schedule);
  while (cursor.next()) {
    if (cursor.item.iteration === iteration && cursor.item.block === block) {
      return cursor.item.ordinal;
    }
  }
  throw new RangeError(`block ${block} is not in flight in iteration ${iteration}`);
}
