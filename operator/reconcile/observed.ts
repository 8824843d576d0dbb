import type { Progress } from '#contract/progress.ts';
import type { VideoGenerationSpec } from '#contract/resource-spec.ts';
import type { Result } from '#contract/result.ts';
import type { Why } from '../api/reasons.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import type { ResourceName } from '../job/names.ts';

/** Everything that a decision depends on: what the caches and the progress inbox said at one moment. */
export interface Observed {
  readonly resource: ResourceName & { readonly generation: number; readonly deleting: boolean };
  /** The spec, checked; missing where it has problems. */
  readonly spec: VideoGenerationSpec | undefined;
  readonly problems: readonly string[];
  readonly status: VideoGenerationStatus | undefined;
  /** Jobs of the resource by number. */
  readonly jobs: readonly JobView[];
  /** What the newest pod reported, if it did. */
  readonly report: Progress | undefined;
  readonly hostPathAllowed: boolean;
}

export interface JobView {
  readonly name: string;
  readonly uid: string;
  readonly number: number;
  /** Generation of the spec that it was made from. */
  readonly generation: number;
  readonly created?: string;
  readonly ended?: JobEnd;
  /** Whether its frozen spec is known to have been written. */
  readonly frozen: boolean;
  /** Why it cannot make its pod, in the words of the Job controller. */
  readonly refusal?: string;
  /** Pods in the order in which they were made; at most the last one has not ended. */
  readonly pods: readonly PodView[];
}

export interface JobEnd {
  readonly complete: boolean;
  /** Whether an exit code said that another try cannot help. */
  readonly final: boolean;
  readonly message: string;
  readonly time?: string;
}

export type PodState = 'waiting' | 'running' | 'succeeded' | 'failed' | 'disrupted';

export interface PodView {
  readonly uid: string;
  readonly name: string;
  readonly node?: string;
  readonly state: PodState;
  readonly scheduled: boolean;
  readonly startTime?: string;
  readonly endTime?: string;
  readonly exitCode?: number;
  readonly result?: Result;
  /** Why it is not running yet. */
  readonly waiting?: Why;
  /** Why it failed or was taken away. */
  readonly failure?: Why;
}

/** The Job that has not ended. */
export function liveJob(observed: Observed): JobView | undefined {
  return observed.jobs.findLast((job) => job.ended === undefined);
}

/** The pod that is or was last at work. */
export function newestPod(observed: Observed): PodView | undefined {
  return observed.jobs.findLast((job) => job.pods.length > 0)?.pods.at(-1);
}
