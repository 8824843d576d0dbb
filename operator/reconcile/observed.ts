import type { Progress } from '#contract/progress.ts';
import type { VideoGenerationSpec } from '#contract/resource-spec.ts';
import type { Result } from '#contract/result.ts';
import type { Why } from '../api/reasons.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { millisecondsOf } from '../api/time.ts';
import type { ResourceName } from '../job/names.ts';
import type { QueuePlace } from '../job/queue.ts';

/** Everything that a decision depends on: what the caches, or the API server itself, and the progress inbox said. */
export interface Observed {
  readonly resource: ResourceName & {
    readonly generation: number;
    readonly deleting: boolean;
    /** Version of the resource that all this belongs to: what is written must replace no other. */
    readonly version?: string;
  };
  /**
   * Whether it was read from the API server itself. Caches lag behind, each by another time: what one of them does not
   * show is not known to be gone, and nothing that cannot be undone may follow from it.
   */
  readonly live: boolean;
  /** When the pods were asked for (milliseconds): what has become of them since, nobody knows. Missing where caches told of them. */
  readonly readAt?: number;
  /**
   * Whether this is the very first version of the resource, which nobody has written since. So no start of it was ever claimed, and
   * a claim that is written on this version proves that there is no Job of it.
   */
  readonly isNew?: true;
  /** The spec, checked; missing where it has problems. */
  readonly spec: VideoGenerationSpec | undefined;
  /** Hash of what the film is made from: as it was claimed, else by that spec. */
  readonly specHash?: string;
  readonly problems: readonly string[];
  /** Queue in which the next Job waits for its turn. */
  readonly queue?: QueuePlace;
  readonly status: VideoGenerationStatus | undefined;
  /** Jobs of the resource by number, also those of which only pods are left. */
  readonly jobs: readonly JobView[];
  /**
   * Jobs that were made for another film than the spec says now: somebody took the status away, which holds the spec fast,
   * and then changed it. What they make is none of this film.
   */
  readonly outdated: readonly JobView[];
  /** Jobs whose attempts are only counted: they are over, and have nothing more to say. */
  readonly counted: readonly JobView[];
  /** Pods that have ended, and whose Job was deleted without them: nothing clears them away but the operator. */
  readonly strays: readonly StrayPod[];
  /** The film is to wait. */
  readonly suspend: boolean;
  /** Who makes the film, if the spec names somebody. */
  readonly managedBy?: string;
  /** What the newest pod reported, if it did. */
  readonly report: Progress | undefined;
  /** For how long the newest pod has not been heard of, and how long somebody has been listening, in milliseconds. */
  readonly silentMs: number;
  readonly listeningMs: number;
  /** The API server refused to make the next Job of this very spec, and is asked again at a time (milliseconds). */
  readonly refusal?: Refusal;
  readonly hostPathAllowed: boolean;
}

/** What was refused is tried again after this time: a quota may have been freed, a right given. */
export const REFUSED_MS = 30_000;

export interface Refusal {
  readonly until: number;
  readonly why: Why;
  /** Nothing but another spec or another right can help. */
  readonly final: boolean;
}

export interface JobView {
  readonly name: string;
  readonly uid: string;
  readonly version?: string;
  readonly number: number;
  /** Generation of the spec that it was made from. */
  readonly generation: number;
  readonly specHash?: string;
  /** GPUs that it asks for, where they are not those of the spec. */
  readonly gpus?: number;
  /** Fields of `spec.runner` that the spec has changed since; the Job goes on with what it was made from. */
  readonly runnerChanges?: readonly string[];
  readonly created?: string;
  /** Since when it may have a pod: when it was made, or went on after a suspension. */
  readonly begun?: string;
  readonly ended?: JobEnd;
  /** The Job itself is not there: it is known by its pods alone. */
  readonly gone?: boolean;
  /** Nothing but such a pod says that there ever was this Job: it may hold GPUs, and speaks for nothing. */
  readonly isUnknown?: boolean;
  /** It is being deleted: finalizers that it waits for, if any. */
  readonly leaving?: readonly string[];
  /** Why it may not have a pod now: somebody has suspended it. */
  readonly suspended?: Why;
  /** When it went on after a suspension; pods of before were ended by that. */
  readonly resumed?: string;
  /** It was let go, and has made no pod since: what has ended was ended by the suspension. */
  readonly resuming?: boolean;
  /** Queue whose turn it waits for. */
  readonly queue?: string;
  /** ConfigMap of its frozen spec. */
  readonly map: string;
  /** Whether its frozen spec was written; unknown to a process that has not made the Job, as long as nobody has told. */
  readonly frozen: 'written' | 'missing' | 'unknown';
  /** Why it cannot make its pod, in the words of the Job controller. */
  readonly refusal?: string;
  /** Pods in the order in which they were made; at most the last one has not ended. */
  readonly pods: readonly PodView[];
}

export type StrayPod = Pick<PodView, 'name' | 'uid' | 'version'>;

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
  /** Version that all this was seen in: it is deleted in no other. */
  readonly version?: string;
  readonly name: string;
  readonly created?: string;
  readonly node?: string;
  readonly state: PodState;
  readonly scheduled: boolean;
  /** When it was given its node. */
  readonly scheduledTime?: string;
  /** It is being deleted: until when it had time to end by itself. */
  readonly leavingBy?: string;
  /** What the cluster says took it away; nothing where its Job's suspension did. */
  readonly takenBy?: string;
  /** Its owner was taken off: nobody deletes it with its Job. */
  readonly isOrphan?: boolean;
  readonly startTime?: string;
  readonly endTime?: string;
  /** The runner has ended, and these containers, which somebody else has put into the pod, go on and keep its GPUs. */
  readonly lingering?: readonly string[];
  readonly exitCode?: number;
  readonly result?: Result;
  /** Devices of its runner that the kubelet calls unhealthy; missing where it says nothing of them. */
  readonly unhealthy?: readonly string[];
  /** Devices of its runner of which the kubelet does not know, without what is said of them. */
  readonly unclear?: readonly string[];
  /** Why it is not running yet. */
  readonly waiting?: Why;
  /** Why it failed or was taken away. */
  readonly failure?: Why;
}

/** A pod that holds its GPUs, or will. */
export function isAlive({ state, lingering }: Pick<PodView, 'state' | 'lingering'>): boolean {
  return state === 'waiting' || state === 'running' || lingering !== undefined;
}

/** Its runner was through with the film, and says so: the pod has only to end. */
export function hasFilm({ result }: Pick<PodView, 'result'>): boolean {
  return result?.film !== undefined;
}

/** Whether a Job has made one pod after another that had made the film. */
export function isReplaced(made: PodView | undefined, next: PodView): boolean {
  return made !== undefined && hasFilm(made) && millisecondsOf(made.created ?? '') < millisecondsOf(next.created ?? '');
}

/** A Job that is there and has not ended. */
export function isOpen({ ended, gone }: JobView): boolean {
  return ended === undefined && gone !== true;
}

/** The Job that has not ended. */
export function liveJob(observed: Observed): JobView | undefined {
  return observed.jobs.findLast(isOpen);
}

/** A runner that ended well, or failed, ends its Job: its pods, and their logs, can stay. */
export function endsByItself({ pods }: JobView): boolean {
  const last = pods.at(-1);
  // What it has left can only be read as long as its pod is there.
  if (last !== undefined && hasFilm(last) && last.lingering === undefined) return true;
  return !pods.some(isAlive) && (last?.state === 'succeeded' || last?.state === 'failed');
}

/**
 * A pod at work whose Job was deleted without it: nobody ends it but itself and the operator, and nobody takes its reports. Of a Job that is
 * known: anybody can make a pod that says so.
 */
export function lostPod({ gone, isUnknown, pods }: JobView): PodView | undefined {
  if (gone !== true || isUnknown === true) return undefined;
  return pods.findLast((pod) => pod.isOrphan === true && isAlive(pod));
}

/** The pod that is or was last at work; one that has ended never stands for one that has not. */
export function newestPod({ jobs }: Pick<Observed, 'jobs'>): PodView | undefined {
  const job = jobs.findLast(({ pods }) => pods.length > 0);
  return job === undefined ? undefined : podOf(job);
}

/** What is written down of how far a pod has come: the progress of a film is that of the pod of its last attempt, and of no other. */
export function writtenProgress(
  podUid: string | undefined,
  { progress, attempts }: Partial<Pick<VideoGenerationStatus, 'progress' | 'attempts'>> = {},
): VideoGenerationStatus['progress'] {
  return podUid !== undefined && attempts?.at(-1)?.podUid === podUid ? progress : undefined;
}

/** The pod of a Job that is or was last at work. */
export function podOf({ pods }: JobView): PodView | undefined {
  return pods.findLast(isAlive) ?? pods.at(-1);
}
