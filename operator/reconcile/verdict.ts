import type { Result } from '#contract/result.ts';
import type { Why } from '../api/reasons.ts';
import type { Attempt } from '../api/status.ts';
import type { JobView, Observed } from './observed.ts';

/** What a call to the API server is to do. All are idempotent. */
export type Action =
  /** Start attempt number `attempt`. `after` is a Job that must have ended or be gone, and is not in the caches. */
  | { readonly type: 'create-job'; readonly attempt: number; readonly after?: string }
  /** Write the frozen spec of a Job that was created before. */
  | { readonly type: 'freeze'; readonly attempt: number; readonly jobUid: string }
  | { readonly type: 'delete-job'; readonly name: string; readonly uid: string };

/** What the gates found: where the film stands. */
export type Verdict =
  /** On its way out: the garbage collector does the rest. */
  | { readonly outcome: 'leaving' }
  /** Complete or given up before: nothing changes any more. */
  | { readonly outcome: 'settled' }
  /** Nothing can happen until a person acts. */
  | { readonly outcome: 'stalled'; readonly why: Why }
  | {
      readonly outcome: 'complete';
      readonly job: string;
      readonly result: Result | undefined;
      readonly endTime?: string;
    }
  | { readonly outcome: 'failed'; readonly why: Why; readonly actions: readonly Action[] }
  /** A Job is at work or waits for its turn. */
  | { readonly outcome: 'live'; readonly job: JobView; readonly actions: readonly Action[] }
  /** The next attempt starts at a time (milliseconds). */
  | { readonly outcome: 'later'; readonly at: number; readonly why: Why }
  | { readonly outcome: 'start'; readonly attempt: number; readonly actions: readonly Action[] };

/** What gates and reporters look at. */
export interface Context {
  readonly observed: Observed;
  /** Every attempt so far, brought up to date. */
  readonly attempts: readonly Attempt[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Judges one thing; the first gate that answers ends the walk. */
export type Gate = (context: Context) => Verdict | undefined;
