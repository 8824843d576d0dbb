import type { MessagePort } from 'node:worker_threads';
import { type ErrorRecord, toErrorRecord } from '#contract/error.ts';
import { cancelHandle } from '../ort/binding.ts';
import { isStopped, joinRing } from './ring.ts';
import { followSchedule, openItemRunner } from './stage-loop.ts';
import type { StageTask } from './stage-task.ts';

/** What a stage tells the main thread: once when its thread runs, once when it is loaded, and why it failed if it did. */
export type StageMessage =
  | { readonly kind: 'started'; readonly cancel: bigint }
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: ErrorRecord };

/**
 * The life of a stage's thread: load, follow the schedule, release. An error ends it with a message; a stop ends it
 * quietly. `beforeItem` is for tests that make a stage fail.
 */
export function runStageThread(task: StageTask, port: MessagePort, beforeItem?: (index: number) => void): void {
  const tell = (message: StageMessage) => port.postMessage(message);
  const { stage, plan, shared } = task;
  const ring = joinRing(shared.control, stage, plan.stages.length, plan.ringSlots);
  tell({ kind: 'started', cancel: cancelHandle() });
  try {
    using stack = new DisposableStack();
    const run = openItemRunner(task, ring, stack);
    tell({ kind: 'ready' });
    followSchedule(task, (item) => {
      beforeItem?.(item.index);
      run(item);
    });
    ring.rest();
  } catch (error) {
    if (!isStopped(new Int32Array(shared.control))) tell({ kind: 'failed', error: toErrorRecord(error) });
  }
}
