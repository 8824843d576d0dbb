import { startThread } from '../thread/thread.ts';
import { pipelineError, stageFailure } from './errors.ts';
import { CELLS } from './layout.ts';
import { lineItems, lineOf } from './line.ts';
import { stopRing } from './ring.ts';
import { type StageTask, stageName } from './stage-task.ts';
import type { StageTold } from './stage-thread.ts';

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
  /** Stops what still runs and resolves when no thread is left, or none that can be ended. */
  stop(): Promise<void>;
}

/** Starts one thread per task. */
export function startStages(tasks: readonly StageTask[], events: ThreadEvents): StageThreads {
  const control = tasks[0]!.shared.control;
  const stages = tasks.map((task) => startStage(task, events));
  return {
    ready: Promise.all(stages.map(({ ready }) => ready)).then(() => {}),
    async stop() {
      stopRing(control);
      await Promise.all(stages.map(({ thread }) => thread.stop()));
    },
  };
}

function startStage(task: StageTask, { entry, onReady, onFailure, onExit }: ThreadEvents) {
  const { stage, plan, schedule, shared } = task;
  const name = stageName(plan, stage);
  const ready = Promise.withResolvers<void>();
  const cells = new Int32Array(shared.control);
  const thread = startThread<never, StageTold>({
    entry,
    name: `stage ${stage}`,
    task,
    onTold() {
      onReady(stage);
      ready.resolve();
    },
    died(code) {
      const items = Atomics.load(cells, CELLS.done(stage));
      return pipelineError('E_PIPELINE_STAGE_DIED', {
        stage: name,
        items,
        total: lineItems(schedule, lineOf(plan, stage)),
        code,
      });
    },
    explain: (error) => stageFailure(name, error),
  });
  thread.failed.catch(onFailure);
  void thread.ended.then(() => onExit(stage));
  return { thread, ready: ready.promise };
}
