import { defined } from '../api/defined.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import type { Observed } from './observed.ts';
import { updatedAttempts } from './policy/attempts.ts';
import { deletion } from './policy/deletion.ts';
import { failure } from './policy/failure.ts';
import { live } from './policy/live.ts';
import { backoff, exhausted } from './policy/retry.ts';
import { start } from './policy/start.ts';
import { success } from './policy/success.ts';
import { terminal } from './policy/terminal.ts';
import { validity } from './policy/validity.ts';
import { report } from './report.ts';
import type { Action, Context, Gate, Verdict } from './verdict.ts';

/** What is to be done, and what is to be said if it succeeds. */
export interface Decision {
  readonly context: Context;
  readonly verdict: Verdict;
  readonly actions: readonly Action[];
  readonly status: VideoGenerationStatus | undefined;
  readonly requeueAfterMs?: number;
}

/** In this order; the first that answers ends the walk. */
const GATES: readonly Gate[] = [
  deletion, // being deleted: hands off
  terminal, // over: stays as it is
  success, // the film is there
  failure, // another try cannot help
  exhausted, // enough tries
  validity, // nothing to start from
  live, // a Job is at it
  backoff, // the next one has to wait
  start, // go
];

/** Decides about one resource. Pure: the same observation at the same time gives the same decision. */
export function decide(observed: Observed, now: number): Decision {
  const attempts = updatedAttempts(observed.status?.attempts ?? [], observed.jobs);
  const context: Context = { observed, attempts, now };
  const verdict = walk(context);
  return {
    context,
    verdict,
    actions: 'actions' in verdict ? verdict.actions : [],
    status: report(context, verdict),
    ...defined({ requeueAfterMs: verdict.outcome === 'later' ? verdict.at - now : undefined }),
  };
}

function walk(context: Context): Verdict {
  for (const gate of GATES) {
    const verdict = gate(context);
    if (verdict !== undefined) return verdict;
  }
  return { outcome: 'settled' };
}
