import type { CheckpointRecord, PlanSummary, Progress, ResumedFrom, RunPhase } from '#contract/progress.ts';
import { CONTRACT_VERSION } from '#contract/version.ts';

/** What a stage is doing right now. `block` is absent while it waits. */
export interface Lane {
  readonly block: number | undefined;
  readonly itemsDone: number;
  readonly itemsTotal: number;
}

/** What a run tells its tracker. Counts are totals so far, so a lost or repeated call does no harm. */
export interface Tracker {
  phase(phase: RunPhase): void;
  plan(plan: PlanSummary, framesTotal: number): void;
  blockStep(done: number, iteration: number): void;
  blockFinished(blocks: number): void;
  /** So many block-steps and iterations, and the blocks finished in them, are those of an earlier run. */
  goesOn(blockSteps: number, iteration: number, blocks: number): void;
  /** Where the run begins: after so many iterations of an earlier one, or anew. */
  begins(from: ResumedFrom): void;
  /** The newest checkpoint; undefined where there is none any more. */
  checkpoint(written: CheckpointRecord | undefined): void;
  /** A checkpoint could not be written. */
  checkpointFailed(reason: string): void;
  frames(ready: number): void;
  warn(text: string): void;
  /** The run as it stands, with the next sequence number. */
  record(): Progress;
  warnings(): readonly string[];
}

/** The share of the work that is denoising; loading before it and finishing after it get the rest. */
const DENOISING_PERCENT = 97;

/**
 * Turns a run's events into progress records (contract `progress.ts`). Percent is the share of block-steps done, a number that
 * was counted, never one that was guessed; the estimate of the time left comes from the measured rate of block-steps.
 */
export function createTracker(nowMilliseconds: () => number): Tracker {
  const state = {
    sequence: 0,
    phase: 'Planning' as RunPhase,
    plan: undefined as PlanSummary | undefined,
    framesTotal: 0,
    framesReady: 0,
    blockSteps: 0,
    blockStepsBefore: 0,
    iteration: 0,
    blocksFinished: 0,
    denoisingSince: undefined as number | undefined,
    denoisingUntil: undefined as number | undefined,
    warnings: [] as string[],
    resumedFrom: undefined as ResumedFrom | undefined,
    checkpoint: undefined as CheckpointRecord | undefined,
    checkpointFailure: undefined as string | undefined,
  };

  function rate(): number | undefined {
    const made = state.blockSteps - state.blockStepsBefore;
    if (state.denoisingSince === undefined || made === 0) return undefined;
    const seconds = ((state.denoisingUntil ?? nowMilliseconds()) - state.denoisingSince) / 1000;
    return seconds > 0 ? made / seconds : undefined;
  }

  function percent(): number {
    if (state.phase === 'Done') return 100;
    const total = state.plan?.blockSteps ?? 0;
    if (total === 0) return 0;
    return Math.floor((state.blockSteps / total) * DENOISING_PERCENT * 10) / 10;
  }

  /** What is only known later in a run; absent fields are left out of the record. */
  function known(): Partial<Progress> {
    const perSecond = rate();
    const measured = perSecond === undefined ? {} : measuredFields(perSecond);
    const { resumedFrom, checkpoint, checkpointFailure } = state;
    return {
      ...measured,
      ...(state.plan && { plan: state.plan }),
      ...(state.warnings.length > 0 && { warnings: [...state.warnings] }),
      ...(resumedFrom && { resumedFrom }),
      ...(checkpoint && { checkpoint }),
      ...(checkpointFailure !== undefined && { checkpointFailure }),
    };
  }

  function measuredFields(perSecond: number) {
    const left = (state.plan?.blockSteps ?? 0) - state.blockSteps;
    return {
      blockStepsPerSecond: Number(perSecond.toPrecision(4)),
      etaSeconds: state.phase === 'Done' ? 0 : Math.ceil(left / perSecond),
    };
  }

  function record(): Progress {
    return {
      contractVersion: CONTRACT_VERSION,
      sequence: state.sequence++,
      time: new Date(nowMilliseconds()).toISOString(),
      phase: state.phase,
      percent: percent(),
      iteration: state.iteration,
      iterations: state.plan?.iterations ?? 0,
      blockSteps: state.blockSteps,
      blockStepsTotal: state.plan?.blockSteps ?? 0,
      blocksFinished: state.blocksFinished,
      blocks: state.plan?.blocks ?? 0,
      framesReady: state.framesReady,
      framesTotal: state.framesTotal,
      ...known(),
    };
  }

  return {
    phase(phase) {
      if (phase === 'Denoising') state.denoisingSince ??= nowMilliseconds();
      else if (state.denoisingSince !== undefined) state.denoisingUntil ??= nowMilliseconds();
      state.phase = phase;
    },
    plan(plan, framesTotal) {
      state.plan = plan;
      state.framesTotal = framesTotal;
    },
    blockStep(done, iteration) {
      state.blockSteps = Math.max(state.blockSteps, done);
      // The rate is that of denoising: it stops falling once the last block-step is made.
      if (done === state.plan?.blockSteps) state.denoisingUntil ??= nowMilliseconds();
      state.iteration = Math.max(state.iteration, iteration);
    },
    blockFinished(blocks) {
      state.blocksFinished = Math.max(state.blocksFinished, blocks);
    },
    goesOn(blockSteps, iteration, blocks) {
      state.blockSteps = blockSteps;
      state.blockStepsBefore = blockSteps;
      state.iteration = iteration;
      state.blocksFinished = blocks;
    },
    begins(from) {
      state.resumedFrom = from;
    },
    checkpoint(written) {
      state.checkpoint = written;
      state.checkpointFailure = undefined;
    },
    checkpointFailed(reason) {
      state.checkpointFailure = reason;
    },
    frames(ready) {
      state.framesReady = ready;
    },
    warn(text) {
      state.warnings.push(text);
    },
    record,
    warnings: () => state.warnings,
  };
}
