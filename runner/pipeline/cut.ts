import type { Plan } from '../plan/plan.ts';
import { type Item, isLastIn, queueAfter, type ScheduleSettings } from '../plan/schedule.ts';
import { blockStates, CELLS, cutStates, type SharedMemory } from './layout.ts';
import type { Ring } from './ring.ts';
import type { StageTask } from './stage-task.ts';

/**
 * A consistent cut through a run by iteration number: each block's state as it is when *that block* has done iteration k. The main
 * thread asks by a counter; the stage that makes the steps looks at it where an iteration begins, copies each block's state right
 * after its step, and says when the last one is copied. The run never stops for it, and nothing is allocated or sent. Only after the last
 * cut of a run that was told to stop it stands still: whatever it made then would be lost.
 */
export interface PipelineCut {
  /** The last iteration that is in it. */
  readonly iteration: number;
  /** Blocks that have left the queue, and those that have drawn their noise. */
  readonly finished: number;
  readonly started: number;
  /** The blocks in flight, oldest first, with the steps they have made and their states' arrays end to end: views until the next cut. */
  readonly blocks: readonly { readonly block: number; readonly step: number; readonly state: Float32Array }[];
}

/** Copies a block's state after so many steps: its arrays, end to end. */
export type CopyState = (block: number, steps: number, to: Float32Array) => void;

/** On the CPU states are shared memory. */
export function hostStates({ plan, shared }: Pick<StageTask, 'plan' | 'shared'>): CopyState {
  const stateOf = blockStates(shared, plan);
  return (block, _steps, to) => {
    const { x, last, estimate1, estimate2 } = stateOf(block);
    to.set(x, 0);
    to.set(last, x.length);
    to.set(estimate1, 2 * x.length);
    to.set(estimate2, 3 * x.length);
  };
}

/** The updating stage's part. */
export interface Cutter {
  /** To be called before each step: does not return once the last cut is made. */
  before(): void;
  /** To be called after each step. */
  after(item: Readonly<Item>): void;
}

/** Null where nobody will ask for cuts. */
export function openCutter(
  { plan, schedule, shared }: Pick<StageTask, 'plan' | 'schedule' | 'shared'>,
  { standStill }: Pick<Ring, 'standStill'>,
  copyState: CopyState,
): Cutter | null {
  if (shared.cut === null) return null;
  const cells = new Int32Array(shared.control);
  const placeOf = cutStates(shared.cut, plan);
  const { stride = 1 } = schedule;
  let current = -1;
  let isTaking = false;
  let isLastMade = false;

  const isAsked = () => Atomics.load(cells, CELLS.cutsAsked) > Atomics.load(cells, CELLS.cutsMade);

  /** Nobody has begun the next iteration yet, so that all states are those after this one. */
  function takeAll(iteration: number): void {
    const { finished, started } = queueAfter(schedule, iteration);
    for (let block = finished; block < started; block++) {
      copyState(block, iteration + 1 - stride * block, placeOf(block));
    }
  }

  return {
    before() {
      if (isLastMade) standStill();
    },
    after(item) {
      const { block, iteration, step } = item;
      if (iteration !== current) {
        current = iteration;
        isTaking = isAsked();
      }
      if (isTaking && step < plan.sampling.steps - 1) copyState(block, step + 1, placeOf(block));
      if (!isLastIn(schedule, item)) return;
      const isLast = Atomics.load(cells, CELLS.lastCutAsked) === 1;
      if (!isTaking && isLast && isAsked()) {
        takeAll(iteration);
        isTaking = true;
      }
      if (!isTaking) return;
      isTaking = false;
      Atomics.store(cells, CELLS.cutIteration, iteration);
      isLastMade = isLast;
      if (isLast) Atomics.store(cells, CELLS.lastCutMade, 1);
      Atomics.add(cells, CELLS.cutsMade, 1);
    },
  };
}

/** The main thread's part. */
export interface Cuts {
  /**
   * The next cut: after the next iteration that begins, or after the one under way where it is to be the last. Undefined where the
   * run is over before. One at a time: the views of the cut before are no longer valid.
   */
  next(): Promise<PipelineCut | undefined>;
  /** The next cut is to be the last one; the run stands still after it. */
  endWithNext(): void;
  /** Whether the run stands still, or will before its next step. */
  isLastMade(): boolean;
  /**
   * Looks whether the cut is made; to be called after each block-step, with how many are done by then. A stage may have said that it is before it
   * says that the step itself is done: whoever gets a cut has heard of all that is in it.
   */
  look(blockStepsDone: number): void;
  /** No more cuts will be made. */
  end(): void;
}

function blockStepsIn({ sampling }: Plan, { finished, blocks }: PipelineCut): number {
  return finished * sampling.steps + blocks.reduce((sum, { step }) => sum + step, 0);
}

export function openCuts(plan: Plan, schedule: ScheduleSettings, shared: SharedMemory): Cuts {
  const cells = new Int32Array(shared.control);
  const placeOf = shared.cut === null ? null : cutStates(shared.cut, plan);
  const { stride = 1 } = schedule;
  let waiting: PromiseWithResolvers<PipelineCut | undefined> | undefined;
  let isOver = placeOf === null;

  function made(): PipelineCut {
    const iteration = Atomics.load(cells, CELLS.cutIteration);
    const { finished, started } = queueAfter(schedule, iteration);
    const blocks = Array.from({ length: started - finished }, (_, index) => {
      const block = finished + index;
      return { block, step: iteration + 1 - stride * block, state: placeOf!(block) };
    });
    return { iteration, finished, started, blocks };
  }

  return {
    async next() {
      if (isOver) return undefined;
      waiting = Promise.withResolvers();
      Atomics.add(cells, CELLS.cutsAsked, 1);
      return waiting.promise;
    },
    endWithNext: () => void Atomics.store(cells, CELLS.lastCutAsked, 1),
    isLastMade: () => Atomics.load(cells, CELLS.lastCutMade) === 1,
    look(blockStepsDone) {
      if (waiting === undefined || Atomics.load(cells, CELLS.cutsMade) < Atomics.load(cells, CELLS.cutsAsked)) return;
      const cut = made();
      if (blockStepsDone < blockStepsIn(plan, cut)) return;
      waiting.resolve(cut);
      waiting = undefined;
    },
    end() {
      isOver = true;
      waiting?.resolve(undefined);
      waiting = undefined;
    },
  };
}
