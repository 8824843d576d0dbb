import { toErrorRecord } from '#contract/error.ts';
import { defined } from '../api/defined.ts';
import type { Outcome, Usage } from '../api/status.ts';
import { ApiError } from '../kube/failure.ts';
import type { WorkQueue } from '../kube/queue.ts';
import { type ActContext, act } from './act.ts';
import { newEnds } from './attempts.ts';
import { claim } from './claim.ts';
import { isHeard } from './deadlines.ts';
import { type Decision, decide } from './decide.ts';
import { observe } from './observe.ts';
import { newestPod, type Observed } from './observed.ts';
import { read } from './read.ts';
import { settle } from './settle.ts';
import { type StatusEvent, statusEvents } from './status/events.ts';
import { recordEvents, type WriteContext, writeStatus } from './write-status.ts';

export interface ControllerOptions extends ActContext, WriteContext {
  readonly queue: WorkQueue;
  readonly workers: number;
  readonly hostPathAllowed: boolean;
  readonly now: () => number;
  /** Told of each round: how long it took and how it ended. */
  readonly measure: (result: 'done' | 'again' | 'failed', seconds: number) => void;
  /** Told of each attempt that has ended, once that is written down, and of each Job that was made. */
  readonly count: (what: Outcome | 'JobStarted') => void;
  /** Told of what attempts have cost, and of what of it was lost, once that is written down. */
  readonly spent: (grown: Usage) => void;
  /** Told of what has happened to a film, once that is written down. */
  readonly news: (key: string, event: StatusEvent) => void;
  /** Told of failures that come back later. */
  readonly warn: (key: string, message: string) => void;
}

/** Whether a key comes back: after growing delays (`again`), or after a time. */
interface Round {
  readonly again: boolean;
  readonly afterMs?: number;
}

/** What one round needs of the controller. */
type RoundOptions = Omit<ControllerOptions, 'queue' | 'workers' | 'observe'>;

/** Starts the workers. Each takes a key, brings that resource one step further, and takes the next. */
export function startController(options: ControllerOptions): { readonly stopped: Promise<void> } {
  const workers = Array.from({ length: options.workers }, () => work(options));
  return { stopped: Promise.all(workers).then(() => {}) };
}

/**
 * One step for one resource: observe, decide, act, settle, one report. What cannot be taken back is decided a second time,
 * from the objects themselves; a start is claimed before it is made.
 */
export async function reconcile(key: string, options: RoundOptions): Promise<Round> {
  const seen = observe(key, options.sources, options.hostPathAllowed);
  if (seen === undefined) return { again: false };
  const first = decide(seen, options.now());
  if (!first.read) return carryOut(key, seen, first, options);
  const facts = await read(seen, options);
  return facts === undefined ? { again: false } : carryOut(key, facts, decide(facts, options.now()), options);
}

async function carryOut(key: string, observed: Observed, decision: Decision, options: RoundOptions): Promise<Round> {
  const claimed = await claim(decision, options);
  if (claimed === undefined) return { again: true };
  told(key, observed, claimed, options);
  if (isTakenBack(decision, claimed, options)) return { again: true };
  const outcomes = await act(decision.actions, observed, options);
  const settlement = settle(decision, outcomes, claimed.status);
  const { uid, generation } = observed.resource;
  if (settlement.refusal !== undefined) options.sources.refusals.set(uid, { ...settlement.refusal, generation });
  const written = await writeStatus(claimed, settlement, options);
  if (outcomes.some(({ action, result }) => action.type === 'create-job' && result === 'done'))
    options.count('JobStarted');
  if (written === 'written') {
    countEnds(claimed.status, settlement.status, options);
    for (const event of settlement.events) options.news(key, event);
  }
  for (const { result, detail } of outcomes)
    if (detail !== undefined && (result === 'retry' || result === 'refused')) options.warn(key, detail);
  if (written === 'gone') return { again: false };
  const again = settlement.again || written === 'again';
  return { again, ...defined({ afterMs: settlement.requeueAfterMs }) };
}

/** While a stall was written down the runner may have told that it got on: then nothing may be taken away. */
function isTakenBack({ verdict }: Decision, { jobs, status }: Observed, { sources }: RoundOptions): boolean {
  if (verdict.outcome !== 'ending' || verdict.why.reason !== 'Stalled') return false;
  const pod = newestPod({ jobs });
  return pod !== undefined && isHeard({ report: sources.published(pod.uid), status, jobs });
}

/** What was written down before anything was done is told at once: whatever comes of the rest, it happened. */
function told(key: string, { status: before }: Observed, { resource, status }: Observed, options: RoundOptions): void {
  if (status === undefined || status === before) return;
  const events = statusEvents(before, status);
  countEnds(before, status, options);
  recordEvents(resource, events, options);
  for (const event of events) options.news(key, event);
}

function countEnds(before: Observed['status'], status: Observed['status'], { count, spent }: RoundOptions): void {
  for (const { outcome } of newEnds(status?.attempts ?? [], before?.attempts)) count(outcome);
  const grown = (of: keyof Usage) => Math.max(0, (status?.usage?.[of] ?? 0) - (before?.usage?.[of] ?? 0));
  if (status !== undefined) spent({ gpuSeconds: grown('gpuSeconds'), lostGpuSeconds: grown('lostGpuSeconds') });
}

async function work(options: ControllerOptions): Promise<void> {
  const { queue } = options;
  for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
    const started = options.now();
    const result = await step(key, options);
    options.measure(result, (options.now() - started) / 1000);
    queue.done(key);
  }
}

async function step(key: string, options: ControllerOptions): Promise<'done' | 'again' | 'failed'> {
  const { queue } = options;
  try {
    const { again, afterMs } = await reconcile(key, options);
    if (again) {
      comeBack(key, afterMs, queue);
      return 'again';
    }
    queue.forget(key);
    if (afterMs !== undefined) queue.addAfter(key, afterMs);
    return 'done';
  } catch (error) {
    if (options.signal.aborted) return 'failed';
    options.warn(key, error instanceof ApiError ? error.message : toErrorRecord(error).message);
    comeBack(key, error instanceof ApiError ? error.failure.retryAfterMs : undefined, queue);
    return 'failed';
  }
}

/** When the API server said how long to leave it alone, that counts. */
function comeBack(key: string, afterMs: number | undefined, queue: WorkQueue): void {
  if (afterMs === undefined) queue.addRateLimited(key);
  else queue.addAfter(key, afterMs);
}
