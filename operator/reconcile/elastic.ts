import { secondsOf } from '#contract/duration.ts';
import { EXITS } from '#contract/exit.ts';
import { GPU_RESOURCE } from '#contract/gpu-fields.ts';
import type { VideoGenerationSpec } from '#contract/resource-spec.ts';
import type { Reason } from '../api/reasons.ts';
import type { Attempt, Sized } from '../api/status.ts';
import { endingOf, isEnded } from './attempts.ts';
import { type JobView, type PodView, podOf } from './observed.ts';
import { TOO_FEW_DEVICES } from './pod-facts.ts';
import type { Context } from './verdict.ts';

/*
 * How many GPUs an attempt takes (`spec.parallelism.minGpus`): those that the spec wants, unless the attempt before found no node for so many
 * or met a device that failed, or that the kubelet called unhealthy. Then it takes half as many, and so on, never less than the least. The attempt after that asks for all of them again,
 * also where the one before was taken away: its Job, which would make its next pod as small, goes.
 */

const NO_NODE: Reason = 'GpusNotFree';
/** Fewer devices would make that worse. */
const OUT_OF_DEVICE_MEMORY = 'E_DEVICE_MEMORY';

/** The next smaller number that the spec allows. Where a claim's template brings the GPUs, it alone says how many. */
export function fewerGpus({ parallelism, runner }: VideoGenerationSpec, gpus: number): number | undefined {
  const { minGpus, guidanceParallel } = parallelism;
  if (minGpus === undefined || runner.devices?.resourceClaimTemplateName !== undefined) return undefined;
  const half = Math.floor(gpus / 2);
  const next = Math.max(minGpus, guidanceParallel ? half - (half % 2) : half);
  return next < gpus ? next : undefined;
}

/** GPUs that a Job asks for. */
export function gpusOf({ gpus }: Pick<JobView, 'gpus'>, { parallelism }: VideoGenerationSpec): number {
  return gpus ?? parallelism.gpus;
}

/**
 * Why a Job's next pod has no GPUs, in the cluster's words: no node has so many, or the quota of its namespace has no room for them, so that no pod
 * is made at all. Undefined where it is not known to be for their number: fewer would not help then.
 */
export function whyNoGpus(
  { refusal }: Pick<JobView, 'refusal'>,
  pod: PodView | undefined,
  { runner }: VideoGenerationSpec,
): string | undefined {
  if (pod?.state === 'waiting')
    return !pod.scheduled && pod.waiting?.reason === 'Unschedulable' ? pod.waiting.message : undefined;
  const { resourceName = GPU_RESOURCE } = runner.devices ?? {};
  const exceeded = /exceeded quota: .*?requested: (.*?)(, used: |$)/.exec(refusal ?? '')?.[1];
  return exceeded?.includes(`${resourceName}=`) === true ? refusal : undefined;
}

/** What the attempt of a number takes where that is not what the spec wants, and why; a number that was claimed is kept. */
export function sizeOf({ observed: { spec, status }, attempts }: Context, number: number): Sized | undefined {
  const { claim } = status ?? {};
  if (claim?.attempt === number && claim.jobUid === undefined) return claim.sized;
  const last = attempts.at(-1);
  if (spec === undefined || last === undefined || !isToShrink(last)) return undefined;
  const wanted = spec.parallelism.gpus;
  const before = Math.min(last.gpus ?? wanted, wanted);
  const gpus = fewerGpus(spec, before) ?? before;
  return gpus === wanted
    ? undefined
    : { gpus, why: `${gpus} of ${wanted} GPUs after attempt ${last.number}: ${endingOf(last)}` };
}

/**
 * Whether a Job that is smaller than the spec wants is to go: its pod was taken away, and the one that follows has no runner yet. Not where the
 * one before had unhealthy devices, which nobody is given any more; not where nothing leads back to fewer GPUs when no node has them all; and
 * not where its queue, or a person, has let it go on, which counts for this very Job.
 */
export function isToGrow(job: JobView, { observed: { spec }, attempts }: Context): boolean {
  if (spec === undefined || podOf(job)?.state !== 'waiting' || gpusOf(job, spec) >= spec.parallelism.gpus) return false;
  if (!isLedBack(spec) || job.queue !== undefined || job.resumed !== undefined || job.resuming === true) return false;
  const last = attempts.findLast((attempt) => attempt.number === job.number && isEnded(attempt));
  return last?.outcome === 'Disrupted' && last.unhealthyDevices === undefined;
}

/** Whether an attempt that finds no node for all GPUs is followed by one that asks for fewer, before it is late for good. */
function isLedBack(spec: VideoGenerationSpec): boolean {
  const { elastic, start } = spec.deadlines;
  if (elastic === undefined || fewerGpus(spec, spec.parallelism.gpus) === undefined) return false;
  return start === undefined || secondsOf(elastic) < secondsOf(start);
}

function isToShrink({ outcome, exitCode, reason, unhealthyDevices }: Attempt): boolean {
  if (outcome === 'Resized') return reason === NO_NODE;
  if (outcome === 'Disrupted') return unhealthyDevices !== undefined;
  if (outcome !== 'Failed' || reason === OUT_OF_DEVICE_MEMORY) return false;
  return unhealthyDevices !== undefined || exitCode === EXITS.device.code || reason === TOO_FEW_DEVICES;
}
