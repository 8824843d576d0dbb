import { Worker } from 'node:worker_threads';
import { toErrorRecord } from '#contract/error.ts';
import { cancelRuns } from '../ort/binding.ts';
import { itemsOf } from '../plan/schedule.ts';
import { pipelineError, stageFailure } from './errors.ts';
import { CELLS } from './layout.ts';
import { stopRing } from './ring.ts';
import { type StageTask, stageName } from './stage-task.ts';
import type { StageMessage } from './stage-thread.ts';

/** What the threads of a run tell. */
export interface ThreadEvents {
  readonly entry: URL;
  onReady(stage: number): void;
  /** A stage has failed or died; the error names it. May come more than once. */
  onFailure(error: Error): void;
  onExit(stage: number): void;
}

/** The threads of a run. */
export interface StageThreads {
  /** Resolves when every stage has loaded. */
  readonly ready: Promise<void>;
  /** Stops what still runs and resolves when no thread is left. */
  stop(): Promise<void>;
}

/** How long a thread may take to end by itself. A long run is cancelled at once, but a load cannot be. */
const STOP_PATIENCE_MILLISECONDS = 3000;

/** Starts one thread per task. */
export function startStages(tasks: readonly StageTask[], events: ThreadEvents): StageThreads {
  const control = tasks[0]!.shared.control;
  const threads = tasks.map((task) => startStage(task, events));
  let stopping: Promise<void> | undefined;

  async function stop(): Promise<void> {
    stopRing(control);
    for (const { cancel } of threads) cancel();
    const patience = setTimeout(() => {
      for (const { worker } of threads) void worker.terminate();
    }, STOP_PATIENCE_MILLISECONDS);
    await Promise.all(threads.map(({ exited }) => exited));
    clearTimeout(patience);
  }

  return {
    ready: Promise.all(threads.map(({ ready }) => ready)).then(() => {}),
    stop: () => (stopping ??= stop()),
  };
}

interface StageThread {
  readonly worker: Worker;
  readonly ready: Promise<void>;
  readonly exited: Promise<void>;
  /** Cancels the run of a graph that may be in progress. */
  cancel(): void;
}

function startStage(task: StageTask, { entry, onReady, onFailure, onExit }: ThreadEvents): StageThread {
  const { stage, plan, schedule, shared } = task;
  const name = stageName(plan, stage);
  const ready = Promise.withResolvers<void>();
  const exited = Promise.withResolvers<void>();
  const total = itemsOf(schedule);
  const cells = new Int32Array(shared.control);
  let handle: bigint | undefined;
  let failed = false;
  const worker = new Worker(entry, { workerData: task, name: `stage ${stage}` });
  const fail = (error: Error) => {
    failed = true;
    onFailure(error);
  };
  worker.on('message', (message: StageMessage) => {
    if (message.kind === 'started') {
      handle = message.cancel;
      // A stop that came before the thread could be cancelled.
      if (Atomics.load(cells, CELLS.stop) === 1) cancelRuns(handle);
    } else if (message.kind === 'failed') fail(stageFailure(name, message.error));
    else {
      onReady(stage);
      ready.resolve();
    }
  });
  worker.on('error', (error) => fail(stageFailure(name, toErrorRecord(error))));
  worker.on('exit', (code) => {
    const items = Atomics.load(cells, CELLS.done(stage));
    const unfinished = items < total && Atomics.load(cells, CELLS.stop) === 0;
    if (unfinished && !failed) onFailure(pipelineError('E_PIPELINE_STAGE_DIED', { stage: name, items, total, code }));
    handle = undefined;
    exited.resolve();
    onExit(stage);
  });
  return {
    worker,
    ready: ready.promise,
    exited: exited.promise,
    cancel: () => {
      if (handle !== undefined) cancelRuns(handle);
    },
  };
}
