import { defined } from '../api/defined.ts';
import { why } from '../api/reasons.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { jobName } from '../job/names.ts';
import type { Decision } from './decide.ts';
import { jobStartedEvent, type StatusEvent, statusEvents } from './policy/events.ts';
import { report } from './report.ts';
import type { Action } from './verdict.ts';

/** How an action ended. `retry` failures pass by themselves; `refused` needs a person; `moot` no longer matters. */
export interface ActionOutcome {
  readonly action: Action;
  readonly result: 'done' | 'already' | 'retry' | 'refused' | 'moot';
  readonly detail?: string;
}

/** What was refused is tried again after this time: a quota may have been freed, a right given. */
const REFUSED_MS = 30_000;

/** What is written after the actions, and whether the key comes back. */
export interface Settlement {
  readonly status: VideoGenerationStatus | undefined;
  readonly events: readonly StatusEvent[];
  /** Something failed: come back with growing delays. */
  readonly again: boolean;
  readonly requeueAfterMs?: number;
}

/**
 * Turns a decision and what came of its actions into what is written. Pure. A refused Job is said in the status; a failure
 * that passes by itself writes nothing new and comes back.
 */
export function settle(decision: Decision, outcomes: readonly ActionOutcome[]): Settlement {
  const { context } = decision;
  const before = context.observed.status;
  const failed = outcomes.find(({ result }) => result === 'refused' || result === 'retry');
  if (outcomes.some(({ result }) => result === 'moot')) return { status: undefined, events: [], again: false };
  if (failed === undefined) {
    const { status } = decision;
    const news = status === undefined ? [] : statusEvents(before, status);
    const timer = defined({ requeueAfterMs: decision.requeueAfterMs });
    return { status, events: [...startedEvents(decision, outcomes), ...news], again: false, ...timer };
  }
  if (failed.result === 'retry') return { status: undefined, events: [], again: true };
  const job =
    failed.action.type === 'delete-job'
      ? failed.action.name
      : jobName(context.observed.resource, failed.action.attempt);
  const refused = why('JobRefused', { job, detail: failed.detail ?? '' });
  const status = report(context, { outcome: 'stalled', why: refused });
  const events = status === undefined ? [] : statusEvents(before, status);
  return { status, events, again: false, requeueAfterMs: REFUSED_MS };
}

function startedEvents({ context }: Decision, outcomes: readonly ActionOutcome[]): readonly StatusEvent[] {
  return outcomes.flatMap(({ action, result }) => {
    if (action.type !== 'create-job' || result !== 'done') return [];
    return [jobStartedEvent(jobName(context.observed.resource, action.attempt))];
  });
}
