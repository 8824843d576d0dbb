import type { Plan } from '../plan/plan.ts';
import { queueAfter, type ScheduleSettings } from '../plan/schedule.ts';
import { blockStates, CELLS, type SharedMemory, wholeState } from './layout.ts';
import { itemsBefore, linesOf } from './line.ts';
import type { StageTask } from './stage-task.ts';

/** What a run goes on with, on any number of stages: all that is left of one after `iteration`. */
export interface ResumeState {
  readonly iteration: number;
  /** Puts it where it belongs while the stages load; none of them begins before. Where this rejects, the run fails with its reason. */
  fill(places: ResumePlaces): Promise<void>;
}

/** Where a run wants what it goes on with. */
export interface ResumePlaces {
  /** State of a block in flight: its arrays, end to end. */
  state(block: number): Float32Array;
  /** Clean latents of the block that left the queue last, the left neighbour of the next one; null where none has. */
  readonly lastFinished: Float32Array | null;
}

type Begun = Pick<StageTask, 'plan' | 'schedule' | 'firstIteration'>;

/** Makes a run's counters those of one that has done all iterations up to `iteration`. Nobody else may see them yet. */
export function restore(
  memory: SharedMemory,
  plan: Plan,
  schedule: ScheduleSettings,
  { iteration }: Pick<ResumeState, 'iteration'>,
): ResumePlaces {
  const cells = new Int32Array(memory.control);
  const stateOf = blockStates(memory, plan);
  const { finished, started } = queueAfter(schedule, iteration);
  cells[CELLS.started] = started;
  cells[CELLS.taken] = finished;
  for (const line of linesOf(plan)) {
    const items = itemsBefore(schedule, line, iteration + 1);
    for (let stage = line.first; stage <= line.last; stage++) cells[CELLS.done(stage)] = items;
    if (line.branch === 1) cells[CELLS.velocitiesUsed] = items;
  }
  return {
    state: (block) => wholeState(stateOf(block)),
    lastFinished: finished > 0 && finished < plan.blocks ? stateOf(finished - 1).x : null,
  };
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
