import type { Result } from '#contract/result.ts';
import type { Why } from '../api/reasons.ts';
import type { Attempt, Sized } from '../api/status.ts';
import type { JobView, Observed } from './observed.ts';

/** What a call to the API server is to do. All are idempotent. */
export type Action =
  /** Start attempt number `attempt`. */
  | { readonly type: 'create-job'; readonly attempt: number; readonly gpus?: number }
  /** Write the frozen spec of a Job that was created before. */
  | {
      readonly type: 'freeze';
      readonly attempt: number;
      readonly jobUid: string;
      readonly map: string;
      readonly gpus?: number;
    }
  /** Delete a pod as it was seen, and no other state of it; by force where its node is lost. */
  | {
      readonly type: 'delete-pod';
      readonly name: string;
      readonly uid: string;
      readonly version?: string;
      readonly force: boolean;
    }
  /** Delete the film's resource: its time after the end is over. */
  | { readonly type: 'delete-film' }
  /** Delete a Job as it was seen, and no other state of it. */
  | { readonly type: 'delete-job'; readonly name: string; readonly uid: string; readonly version?: string };

/** What the gates found: where the film stands. */
export type Verdict =
  /** Left alone: on its way out, which the garbage collector sees to, or another controller's. */
  | { readonly outcome: 'leaving' }
  /** Complete or given up before: nothing of the status changes any more. */
  | { readonly outcome: 'settled' }
  /** The caches contradict what is known: only a look at the objects themselves can tell. */
  | { readonly outcome: 'unsure' }
  /** Nothing can happen until a person acts. */
  | { readonly outcome: 'stalled'; readonly why: Why }
  /** The API server refused; asked again at a time (milliseconds). */
  | { readonly outcome: 'refused'; readonly at: number; readonly why: Why }
  | {
      readonly outcome: 'complete';
      readonly job: string;
      readonly result: Result | undefined;
      readonly endTime?: string;
    }
  | { readonly outcome: 'failed'; readonly why: Why }
  /** A pod of an earlier Job still holds its GPUs; its Job, where the film is given up as soon as it has ended. */
  | { readonly outcome: 'held'; readonly why: Why; readonly job?: JobView }
  /** The spec says that the film waits; a Job that has not ended goes. */
  | { readonly outcome: 'suspended'; readonly why: Why; readonly job?: JobView }
  /** An attempt has taken too long: its Job goes, and when its pod has ended it has failed for that reason. */
  | {
      readonly outcome: 'ending';
      readonly why: Why;
      readonly job: JobView;
      /** The film is given up after it, for the end of an attempt before. */
      readonly isGivenUp?: true;
    }
  /** A Job is at work or waits for its turn. */
  | { readonly outcome: 'live'; readonly job: JobView }
  /** The next attempt starts at a time (milliseconds). */
  | { readonly outcome: 'later'; readonly at: number; readonly why: Why }
  /** An attempt starts, on all GPUs that the spec wants unless it says otherwise. */
  | { readonly outcome: 'start'; readonly attempt: number; readonly sized?: Sized };

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
