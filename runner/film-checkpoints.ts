import { setTimeout as sleep } from 'node:timers/promises';
import { toErrorRecord } from '#contract/error.ts';
import type { CheckpointRecord } from '#contract/progress.ts';
import { LONGEST_TIMER_MILLISECONDS } from '#contract/waits.ts';
import { checkpointWarning, notTheSame } from './checkpoint/errors.ts';
import type { Fingerprint } from './checkpoint/fingerprint.ts';
import { isKeptAlone, type Manifest } from './checkpoint/manifest.ts';
import { openCheckpointWriter } from './checkpoint/write.ts';
import type { FilmWriter } from './output/film.ts';
import { stopPatience, watchPace } from './pace.ts';
import type { PipelineCut } from './pipeline/cut.ts';
import type { Pipeline } from './pipeline/driver.ts';
import type { BlockStep, FinishedBlock } from './pipeline/watch.ts';
import type { Plan } from './plan/plan.ts';
import { scheduleOf } from './plan/plan-schedule.ts';
import { isLastIn } from './plan/schedule.ts';
import type { Store } from './store/store.ts';

/** The checkpoints of a run in the making. Nothing here throws: what cannot be written is said, and the run goes on. */
export interface FilmCheckpoints {
  /** False where the run's state is more than a cut holds. */
  readonly isOn: boolean;
  /** The iteration after which the newest one was made; undefined while there is none. */
  readonly last: number | undefined;
  /** How many milliseconds a stop would wait for its checkpoint now. */
  readonly patience: number;
  /** Is to be told of each block-step: how long an iteration takes is learnt from them. */
  stepped(step: Pick<BlockStep, 'iteration' | 'block'>): void;
  /** Keeps the clean latents of the next block. */
  keep(block: FinishedBlock): void;
  /** Resolves once all that was given is kept, or nothing will be. */
  settled(): Promise<void>;
  /** Denoising begins: from now on makes one at each interval. */
  start(pipeline: Pick<Pipeline, 'cuts'>): void;
  /** Makes a last one, after the iteration under way, if that does not take too long. */
  stop(pipeline: Pick<Pipeline, 'cuts'>): Promise<void>;
  /** Says that all blocks are finished, with what is encoded of them. */
  complete(): Promise<void>;
  /** Ends the interval; what is being written is finished first. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface CheckpointsOfFilm {
  readonly store: Store;
  readonly film: Pick<FilmWriter, 'checkHeld' | 'entries' | 'leaveBlocks'>;
  readonly plan: Plan;
  readonly fingerprint: Fingerprint;
  /** Seconds between two; with 0 the next is begun as soon as one is written. */
  readonly everySeconds: number;
  /** The time that the run has from being told to stop to its end. */
  readonly stopMilliseconds: number;
  /** That of the checkpoint which the run goes on with. */
  readonly from: Manifest | undefined;
  readonly warn: (text: string) => void;
  /** Told of each as soon as another run would go on from it: after so many iterations. */
  readonly seen?: (iterations: number) => void;
  /** Told of each that is written, and of each that cannot be. */
  readonly written?: (checkpoint: CheckpointRecord) => void;
  readonly failed?: (reason: string) => void;
}

/** A left context that is used again lies in the stages, not in the blocks' states. */
export function canCut({ leftContext }: Pick<Plan, 'leftContext'>): boolean {
  return leftContext === 'recompute';
}

export function openFilmCheckpoints(options: CheckpointsOfFilm): FilmCheckpoints {
  const { store, film, plan, fingerprint, everySeconds, stopMilliseconds, from, warn, seen, written, failed } = options;
  const { blocks, iterations } = plan;
  const isOn = canCut(plan);
  const writer = openCheckpointWriter(store, { fingerprint, iterations }, from);
  const waiting = new AbortController();
  const schedule = scheduleOf(plan);
  const watched = watchPace();
  let keeping: Promise<void> = Promise.resolve();
  let making: Promise<void> = Promise.resolve();
  let isGivenUp = false;
  let isFailing = false;
  let last = from === undefined || isKeptAlone(from) ? undefined : from.iteration;

  const patience = () => stopPatience(watched.pace(), stopMilliseconds);

  function giveUp(error: unknown): void {
    if (!isGivenUp) warn(checkpointWarning('E_CHECKPOINT_GIVEN_UP', { reason: toErrorRecord(error).message }));
    isGivenUp = true;
    failed?.(toErrorRecord(error).message);
    waiting.abort();
  }

  /** False where it could not be written. */
  async function write(cut: PipelineCut): Promise<boolean> {
    await keeping;
    if (isGivenUp) return false;
    try {
      await film.checkHeld();
      const made = await writer.write(cut, film.entries(), () => seen?.(cut.iteration + 1));
      film.leaveBlocks();
      last = cut.iteration;
      const { writtenAt: time, bytes } = made;
      written?.({ iteration: last + 1, time, bytes, location: store.location });
      isFailing = false;
      return true;
    } catch (error) {
      const values = { iteration: cut.iteration + 1, reason: toErrorRecord(error).message };
      if (!isFailing) warn(checkpointWarning('E_CHECKPOINT_UNWRITTEN', values));
      isFailing = true;
      failed?.(toErrorRecord(error).message);
      return false;
    }
  }

  async function complete(): Promise<void> {
    await keeping;
    if (!isOn || writer.kept < blocks) return;
    await write({ iteration: iterations - 1, finished: blocks, started: blocks, blocks: [] });
  }

  /** False where the run is over. */
  async function make({ cuts }: Pick<Pipeline, 'cuts'>): Promise<boolean> {
    const cut = await cuts.next();
    if (cut === undefined) return false;
    const cutAt = performance.now();
    if (await write(cut)) watched.written(cutAt, performance.now());
    return true;
  }

  async function makeEvery(pipeline: Pick<Pipeline, 'cuts'>): Promise<void> {
    for (;;) {
      await sleep(Math.min(everySeconds * 1000, LONGEST_TIMER_MILLISECONDS), undefined, {
        signal: waiting.signal,
        ref: false,
      }).catch(() => undefined);
      if (waiting.signal.aborted || !(await make(pipeline))) return;
    }
  }

  async function makeLast(pipeline: Pick<Pipeline, 'cuts'>, before: Promise<void>): Promise<void> {
    await before;
    if (!pipeline.cuts.isLastMade() && !isGivenUp && !(await make(pipeline))) await complete();
  }

  return {
    isOn,
    get last() {
      return last;
    },
    get patience() {
      return patience();
    },
    stepped(step) {
      if (isLastIn(schedule, step)) watched.iterationOver(performance.now());
    },
    keep({ index, latents }) {
      keeping = keeping.then(() => {
        if (isGivenUp) return;
        if (index >= writer.kept) return writer.keep(latents).catch(giveUp);
        // Made anew, with the bits that an earlier run has kept; a checkpoint that names others is never written.
        if (!writer.isKept(index, latents)) giveUp(notTheSame(store.location, index));
      });
    },
    settled: () => keeping,
    start(pipeline) {
      watched.begin(performance.now());
      if (isOn) making = makeEvery(pipeline);
    },
    async stop(pipeline) {
      waiting.abort();
      pipeline.cuts.endWithNext();
      making = makeLast(pipeline, making);
      await Promise.race([making, sleep(Math.min(patience(), LONGEST_TIMER_MILLISECONDS), undefined, { ref: false })]);
    },
    complete,
    async [Symbol.asyncDispose]() {
      waiting.abort();
      await making;
      await keeping;
    },
  };
}
