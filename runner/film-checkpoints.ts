import { setTimeout as sleep } from 'node:timers/promises';
import { toErrorRecord } from '#contract/error.ts';
import type { Fingerprint } from './checkpoint/fingerprint.ts';
import type { Manifest } from './checkpoint/manifest.ts';
import { openCheckpointWriter } from './checkpoint/write.ts';
import type { FilmWriter } from './output/film.ts';
import type { PipelineCut } from './pipeline/cut.ts';
import type { Pipeline } from './pipeline/driver.ts';
import type { FinishedBlock } from './pipeline/watch.ts';
import type { Plan } from './plan/plan.ts';
import type { Store } from './store/store.ts';

/** The checkpoints of a run in the making. Nothing here throws: what cannot be written is said, and the run goes on. */
export interface FilmCheckpoints {
  /** False where the run's state is more than a cut holds. */
  readonly isOn: boolean;
  /** The iteration after which the newest one was made; undefined while there is none. */
  readonly last: number | undefined;
  /** Keeps the clean latents of the next block. */
  keep(block: FinishedBlock): void;
  /** Resolves once all that was given is kept, or nothing will be. */
  settled(): Promise<void>;
  /** From now on makes one at each interval. */
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
  /** That of the checkpoint which the run goes on with. */
  readonly from: Manifest | undefined;
  readonly warn: (text: string) => void;
}

/** Within what a cluster gives a pod to end (cli/supervise.ts), with time left to say what happened. */
const STOP_PATIENCE_MILLISECONDS = 20_000;

/** A left context that is used again lies in the stages, not in the blocks' states. */
export function canCut({ leftContext }: Pick<Plan, 'leftContext'>): boolean {
  return leftContext === 'recompute';
}

export function openFilmCheckpoints(options: CheckpointsOfFilm): FilmCheckpoints {
  const { store, film, plan, fingerprint, everySeconds, from, warn } = options;
  const { blocks, iterations } = plan;
  const isOn = canCut(plan);
  const writer = openCheckpointWriter(store, { fingerprint, iterations }, from);
  const waiting = new AbortController();
  let keeping: Promise<void> = Promise.resolve();
  let making: Promise<void> = Promise.resolve();
  let isGivenUp = false;
  let isFailing = false;
  let lastCutAt = 0;
  let last = from?.iteration;

  function giveUp(error: unknown): void {
    if (!isGivenUp) warn(`no more checkpoints are made: ${toErrorRecord(error).message}`);
    isGivenUp = true;
    waiting.abort();
  }

  async function write(cut: PipelineCut): Promise<void> {
    await keeping;
    if (isGivenUp) return;
    try {
      await film.checkHeld();
      await writer.write(cut, film.entries());
      film.leaveBlocks();
      last = cut.iteration;
      isFailing = false;
    } catch (error) {
      if (!isFailing) warn(`no checkpoint after iteration ${cut.iteration + 1}: ${toErrorRecord(error).message}`);
      isFailing = true;
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
    lastCutAt = performance.now();
    await write(cut);
    return true;
  }

  async function makeEvery(pipeline: Pick<Pipeline, 'cuts'>): Promise<void> {
    for (;;) {
      await sleep(everySeconds * 1000, undefined, { signal: waiting.signal, ref: false }).catch(() => undefined);
      if (waiting.signal.aborted || !(await make(pipeline))) return;
    }
  }

  async function makeLast(pipeline: Pick<Pipeline, 'cuts'>, before: Promise<void>): Promise<void> {
    const stoppedAt = performance.now();
    await before;
    if (lastCutAt < stoppedAt && !isGivenUp && !(await make(pipeline))) await complete();
  }

  return {
    isOn,
    get last() {
      return last;
    },
    keep({ index, latents }) {
      keeping = keeping.then(() => {
        // What an earlier run has kept has the same bits.
        if (isGivenUp || index < writer.kept) return;
        return writer.keep(latents).catch(giveUp);
      });
    },
    settled: () => keeping,
    start(pipeline) {
      if (isOn) making = makeEvery(pipeline);
    },
    async stop(pipeline) {
      waiting.abort();
      pipeline.cuts.atOnce();
      making = makeLast(pipeline, making);
      await Promise.race([making, sleep(STOP_PATIENCE_MILLISECONDS, undefined, { ref: false })]);
    },
    complete,
    async [Symbol.asyncDispose]() {
      waiting.abort();
      await making;
      await keeping;
    },
  };
}
