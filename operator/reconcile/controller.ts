import { toErrorRecord } from '#contract/error.ts';
import { defined } from '../api/defined.ts';
import { ApiError } from '../kube/failure.ts';
import type { WorkQueue } from '../kube/queue.ts';
import { type ActContext, act } from './act.ts';
import { decide } from './decide.ts';
import { observe } from './observe.ts';
import { settle } from './settle.ts';
import { type WriteContext, writeStatus } from './write-status.ts';

export interface ControllerOptions extends ActContext, WriteContext {
  readonly queue: WorkQueue;
  readonly workers: number;
  readonly hostPathAllowed: boolean;
  readonly now: () => number;
  /** Told of each round: how long it took and how it ended. */
  readonly observe: (result: 'done' | 'again' | 'failed', seconds: number) => void;
  /** Told of failures that come back later. */
  readonly report: (key: string, message: string) => void;
}

/** Starts the workers. Each takes a key, brings that resource one step further, and takes the next. */
export function startController(options: ControllerOptions): { readonly stopped: Promise<void> } {
  const workers = Array.from({ length: options.workers }, () => work(options));
  return { stopped: Promise.all(workers).then(() => {}) };
}

/** One step for one resource: observe, decide, act, settle, one status write. */
export async function reconcile(
  key: string,
  options: ControllerOptions,
): Promise<{ again: boolean; afterMs?: number }> {
  const observed = observe(key, options.sources, options.hostPathAllowed);
  if (observed === undefined) return { again: false };
  const decision = decide(observed, options.now());
  const outcomes = await act(decision.actions, observed, options);
  const settlement = settle(decision, outcomes);
  await writeStatus(observed, settlement, options);
  for (const { result, detail } of outcomes) if (detail !== undefined && result !== 'moot') options.report(key, detail);
  return { again: settlement.again, ...defined({ afterMs: settlement.requeueAfterMs }) };
}

async function work(options: ControllerOptions): Promise<void> {
  const { queue } = options;
  for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
    const started = options.now();
    const result = await step(key, options);
    options.observe(result, (options.now() - started) / 1000);
    queue.done(key);
  }
}

async function step(key: string, options: ControllerOptions): Promise<'done' | 'again' | 'failed'> {
  const { queue } = options;
  try {
    const { again, afterMs } = await reconcile(key, options);
    if (again) {
      queue.addRateLimited(key);
      return 'again';
    }
    queue.forget(key);
    if (afterMs !== undefined) queue.addAfter(key, afterMs);
    return 'done';
  } catch (error) {
    if (options.signal.aborted) return 'failed';
    options.report(key, error instanceof ApiError ? error.message : toErrorRecord(error).message);
    queue.addRateLimited(key);
    return 'failed';
  }
}
