import type { Plan } from '../plan/plan.ts';
import { queueAfter, type ScheduleSettings } from '../plan/schedule.ts';
import { blockStates, CELLS, type SharedMemory } from './layout.ts';
import { itemsBefore, linesOf } from './line.ts';
import type { StageTask } from './stage-task.ts';

/** What a run goes on with, on any number of stages: all that is left of one after `iteration`. */
export interface ResumeState {
  readonly iteration: number;
  /** The blocks in flight after it: their states' arrays, end to end. */
  readonly states: ReadonlyMap<number, Float32Array>;
  /** Clean latents of the block that left the queue last, the left neighbour of the next one; null where none has. */
  readonly lastFinished: Float32Array | null;
}

type Begun = Pick<StageTask, 'plan' | 'schedule' | 'firstIteration'>;

/** Fills the memory of a run as if it had done all iterations up to that of the state. Nobody else may see it yet. */
export function restore(memory: SharedMemory, plan: Plan, schedule: ScheduleSettings, from: ResumeState): void {
  const cells = new Int32Array(memory.control);
  const stateOf = blockStates(memory, plan);
  const { finished, started } = queueAfter(schedule, from.iteration);
  for (const [block, numbers] of from.states) {
    const { x, last, estimate1, estimate2 } = stateOf(block);
    for (const [index, array] of [x, last, estimate1, estimate2].entries()) {
      array.set(numbers.subarray(index * array.length, (index + 1) * array.length));
    }
  }
  if (from.lastFinished !== null && finished < plan.blocks) stateOf(finished - 1).x.set(from.lastFinished);
  cells[CELLS.started] = started;
  cells[CELLS.taken] = finished;
  for (const line of linesOf(plan)) {
    const items = itemsBefore(schedule, line, from.iteration + 1);
    for (let stage = line.first; stage <= line.last; stage++) cells[CELLS.done(stage)] = items;
    if (line.branch === 1) cells[CELLS.velocitiesUsed] = items;
  }
}

/** Blocks that had drawn their noise before a run began. */
export function startedBefore({ schedule, firstIteration }: Begun): number {
  return firstIteration === 0 ? 0 : queueAfter(schedule, firstIteration - 1).started;
}

/** Blocks that had left the queue before a run began. */
export function finishedBefore({ schedule, firstIteration }: Pick<Begun, 'schedule' | 'firstIteration'>): number {
  return firstIteration === 0 ? 0 : queueAfter(schedule, firstIteration - 1).finished;
}

/** Velocities of the second line that were used before a run began. */
export function velocitiesBefore({ plan, schedule, firstIteration }: Begun): number {
  const line = linesOf(plan)[1];
  return line === undefined ? 0 : itemsBefore(schedule, line, firstIteration);
}

/** The blocks that a run finds in flight when it begins, and the steps that they have made. */
export function restoredBlocks({ schedule, firstIteration }: Begun) {
  const { stride = 1 } = schedule;
  const blocks: { readonly block: number; readonly step: number }[] = [];
  if (firstIteration === 0) return blocks;
  const { finished, started } = queueAfter(schedule, firstIteration - 1);
  for (let block = finished; block < started; block++) blocks.push({ block, step: firstIteration - stride * block });
  return blocks;
}
