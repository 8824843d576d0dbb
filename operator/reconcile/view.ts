import type { VideoGenerationSpec } from '#contract/resource-spec.ts';
import { defined } from '../api/defined.ts';
import { conditionIs, type Job, type Pod } from '../api/kubernetes.ts';
import { ANNOTATION_GENERATION, ANNOTATION_SPEC_HASH, LABEL_QUEUE, LABEL_QUEUE_PRIORITY } from '../api/labels.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import type { VideoGeneration } from '../api/video-generation.ts';
import { attemptOfJob, gpusOfJob, mapOf, type ResourceName } from '../job/names.ts';
import type { QueuePlace } from '../job/queue.ts';
import type { RunnerMarks } from '../job/runner-marks.ts';
import { attemptNumber, jobOfPod, ownerOf, subjectKey } from './belongs.ts';
import { type EventSources, eventsAbout, newComplaint, refusalOf, volumeTrouble } from './complaints.ts';
import { unclearDevices, unhealthyDevices } from './device-health.ts';
import { begunAt, isResuming, resumedAt, whyJobWaits } from './job-turn.ts';
import { type JobEnd, type JobView, newestPod, type Observed, type PodView } from './observed.ts';
import { isOnlyCounted, isOwn, isWrittenDown, type LostJob } from './own-pods.ts';
import {
  lingering,
  podState,
  resultOf,
  runnerEnd,
  runnerState,
  takenBy,
  whyPodFailed,
  whyPodWaits,
} from './pod-facts.ts';
import { changesSince } from './runner-changes.ts';
import { BY_SUBJECT, type Sources } from './sources.ts';
import { readSpec } from './spec.ts';
import { straysOf } from './strays.ts';
import { withUnwritten } from './unwritten.ts';

/** A resource and everything that is labelled for it, from the caches or from the API server. */
export interface Found {
  readonly object: VideoGeneration;
  readonly jobs: readonly Job[];
  readonly pods: readonly Pod[];
  readonly live: boolean;
}

/** What is known of Jobs besides themselves. */
type JobSources = EventSources & { readonly frozen: (jobUid: string) => JobView['frozen'] };

/** Sorts what was found into what a decision is made from. What only claims to belong to the resource is left out. */
export function viewOf({ object, jobs, pods, live }: Found, sources: Sources, hostPathAllowed: boolean): Observed {
  const { namespace = '', name, uid = '', generation = 0, deletionTimestamp, resourceVersion } = object.metadata;
  const resource = { namespace, name, uid, generation };
  const status = withUnwritten(statusIn(object), sources.unwritten.get(uid));
  const ownJobs = jobs.filter((job) => numberOf(resource, job, status) !== undefined);
  const known = new Set([status?.claim?.jobUid, ...ownJobs.map(({ metadata }) => metadata.uid)]);
  const own = pods.filter((pod) => isOwn(resource, pod, known, status) && !isOnlyCounted(pod, status));
  const refusal = sources.refusals.get(uid);
  const { marks, ...checked } = readSpec(object, resource);
  // While a start is written down the spec cannot change: what was claimed holds, also if a newer operator puts it into other words.
  const claimed = status?.startTime === undefined ? '' : status.claim?.specHash;
  const specHash = claimed || checked.specHash;
  const isKnown = (job: LostJob, mine: readonly Pod[]) => known.has(job.uid) || isWrittenDown(job, mine, status);
  const frozen = (of: string) => frozenOf(of, status, sources);
  const number = (job: Job) => numberOf(resource, job, status) ?? 0;
  const views = jobViews(resource, ownJobs, own, { ...sources, marks, frozen, isKnown, number });
  const isOutdated = (job: JobView) =>
    job.specHash !== undefined && specHash !== undefined && job.specHash !== specHash;
  const observed = {
    resource: { ...resource, deleting: deletionTimestamp !== undefined, ...defined({ version: resourceVersion }) },
    live,
    ...checked,
    ...defined({ specHash, queue: queueOf(object, checked.spec) }),
    status,
    jobs: views.filter((job) => !isOutdated(job) && !isLongOver(job, status)),
    outdated: views.filter(isOutdated),
    strays: straysOf(resource, pods, ownJobs, status),
    counted: views.filter((job) => !isOutdated(job) && isLongOver(job, status)),
    ...givenBy(object),
    report: undefined,
    silentMs: 0,
    listeningMs: 0,
    ...(refusal?.generation === generation ? { refusal } : {}),
    hostPathAllowed,
  };
  const newest = newestPod(observed);
  return {
    ...observed,
    ...sources.hearing(newest?.uid),
    report: newest === undefined ? undefined : sources.published(newest.uid),
  };
}

/**
 * The status, if there is one: the API server gives a new resource one that answers no generation yet. One that somebody has taken a
 * part of still holds the rest.
 */
function statusIn({ status }: VideoGeneration): VideoGenerationStatus | undefined {
  if (status === undefined || (status.observedGeneration ?? -1) < 0) return undefined;
  return { ...status, conditions: status.conditions ?? [] };
}

/** What people have said that holds also in a spec that is not understood as a whole. */
function givenBy({ spec }: VideoGeneration): Pick<Observed, 'suspend' | 'managedBy'> {
  const { suspend, managedBy } = (spec ?? {}) as { readonly suspend?: unknown; readonly managedBy?: unknown };
  return { suspend: suspend === true, ...(typeof managedBy === 'string' ? { managedBy } : {}) };
}

/** Where the film's Jobs wait for their turn: what the spec says, or the label that people put on everything else. */
function queueOf({ metadata }: VideoGeneration, spec: VideoGenerationSpec | undefined): QueuePlace | undefined {
  const name = spec?.queueName ?? metadata.labels?.[LABEL_QUEUE];
  if (name === undefined || name === '') return undefined;
  return { name, ...defined({ priorityClass: metadata.labels?.[LABEL_QUEUE_PRIORITY] }) };
}

/** Number of the attempt that a Job makes: one that was made for the resource, also where its owner was taken off since. */
function numberOf(
  resource: ResourceName,
  job: Job,
  status: Pick<VideoGenerationStatus, 'claim'> | undefined,
): number | undefined {
  const isClaimed = job.metadata.uid !== undefined && job.metadata.uid === status?.claim?.jobUid;
  return attemptNumber(resource, job) ?? (isClaimed ? attemptOfJob(resource, job.metadata.name) : undefined);
}

/** Whether what a Job makes was written down: as this process knows, else as one before it has told in the status. */
function frozenOf(uid: string, status: VideoGenerationStatus | undefined, { frozen }: Sources): JobView['frozen'] {
  const { claim } = status ?? {};
  const isWritten = frozen.get(uid) ?? ((claim?.frozen === true && claim.jobUid === uid) || undefined);
  if (isWritten === undefined) return 'unknown';
  return isWritten ? 'written' : 'missing';
}

/** A Job whose attempts are all only counted has nothing more to say. */
function isLongOver({ name, number, ended, gone, pods }: JobView, status: VideoGenerationStatus | undefined): boolean {
  const { attempts = [], earlierAttempts } = status ?? {};
  if (earlierAttempts === undefined || number > earlierAttempts.number || pods.length > 0) return false;
  return (ended !== undefined || gone === true) && !attempts.some(({ job }) => job === name);
}

function jobViews(
  resource: ResourceName,
  jobs: readonly Job[],
  pods: readonly Pod[],
  sources: JobSources & {
    readonly marks: RunnerMarks | undefined;
    readonly isKnown: (job: LostJob, pods: readonly Pod[]) => boolean;
    readonly number: (job: Job) => number;
  },
): readonly JobView[] {
  const inOrder = pods.toSorted((a, b) =>
    (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? ''),
  );
  const uids = new Set(jobs.map(({ metadata }) => metadata.uid));
  const there = jobs.map((job) => {
    const mine = inOrder.filter((pod) => jobOfPod(resource, pod)?.uid === job.metadata.uid);
    const runnerChanges = changesSince(job, sources.marks);
    return { ...jobView(job, sources.number(job), mine, sources), ...defined({ runnerChanges }) };
  });
  const rest = Object.groupBy(
    inOrder.filter((pod) => !uids.has(jobOfPod(resource, pod)?.uid)),
    (pod) => `${jobOfPod(resource, pod)?.name}/${jobOfPod(resource, pod)?.uid ?? ''}`,
  );
  const gone = Object.values(rest).flatMap((group = []) => {
    const of = group[0] === undefined ? undefined : jobOfPod(resource, group[0]);
    if (of === undefined) return [];
    const job = { ...of, uid: of.uid ?? '' };
    const view = goneView(job, group, sources);
    return [sources.isKnown(job, group) ? view : unknownView(view)];
  });
  return [...gone, ...there].toSorted((a, b) => a.number - b.number);
}

function goneView(
  job: { readonly name: string; readonly uid: string; readonly number: number },
  pods: readonly Pod[],
  sources: JobSources,
): JobView {
  const views = pods.map((pod) => podView(pod, job.name, sources));
  const specHash = pods[0]?.metadata.annotations?.[ANNOTATION_SPEC_HASH];
  const gpus = pods[0] === undefined ? undefined : gpusOfJob(pods[0]);
  return {
    ...job,
    generation: 0,
    ...defined({ specHash, gpus }),
    gone: true,
    map: job.name,
    frozen: 'written',
    pods: views,
  };
}

/** Anybody can make such a pod: what its containers say is not asked. */
function unknownView(view: JobView): JobView {
  const pods = view.pods.map(
    ({ uid, version, name, created, node, scheduled, leavingBy }): PodView =>
      defined({ uid, version, name, created, node, scheduled, leavingBy, state: 'running' as const }),
  );
  return { ...view, isUnknown: true, pods };
}

function jobView(job: Job, number: number, pods: readonly Pod[], sources: JobSources): JobView {
  const { metadata } = job;
  const uid = metadata.uid ?? '';
  return defined({
    name: metadata.name,
    uid,
    version: metadata.resourceVersion,
    number,
    generation: Math.trunc(Number(metadata.annotations?.[ANNOTATION_GENERATION])) || 0,
    specHash: metadata.annotations?.[ANNOTATION_SPEC_HASH],
    gpus: gpusOfJob(job),
    created: metadata.creationTimestamp,
    ended: jobEnd(job),
    leaving: metadata.deletionTimestamp === undefined ? undefined : (metadata.finalizers ?? []),
    suspended: whyJobWaits(job, sources.workloads.by(BY_SUBJECT, subjectKey(metadata.namespace, uid))[0]),
    begun: begunAt(job),
    resumed: resumedAt(job),
    resuming: isResuming(job) || undefined,
    queue: metadata.labels?.[LABEL_QUEUE],
    map: mapOf(job),
    frozen: newComplaint(job, pods, sources) === undefined ? sources.frozen(uid) : 'missing',
    refusal: refusalOf(job, eventsAbout(job, sources), pods),
    pods: pods.map((pod) => podView(pod, metadata.name, sources)),
  });
}

/** How a Job ended, if it did. */
export function jobEnd({ status }: Job): JobEnd | undefined {
  const end = status?.conditions?.find((c) => (c.type === 'Complete' || c.type === 'Failed') && c.status === 'True');
  if (end === undefined) return undefined;
  return defined({
    complete: end.type === 'Complete',
    final: end.reason === 'PodFailurePolicy',
    message: end.message ?? end.reason ?? 'no reason given',
    time: end.lastTransitionTime,
  });
}

function podView(pod: Pod, jobName: string, sources: EventSources): PodView {
  const { metadata, spec, status } = pod;
  const uid = metadata.uid ?? '';
  const state = podState(pod);
  const end = runnerEnd(pod);
  const common = defined({
    lingering: lingering(pod),
    unhealthy: unhealthyDevices(pod),
    unclear: unclearDevices(pod),
    uid,
    version: metadata.resourceVersion,
    name: metadata.name,
    created: metadata.creationTimestamp,
    node: spec?.nodeName,
    state,
    leavingBy: metadata.deletionTimestamp,
    takenBy: takenBy(pod),
    isOrphan: ownerOf(pod) === undefined || undefined,
    scheduled: spec?.nodeName !== undefined || conditionIs(status?.conditions, 'PodScheduled', 'True'),
    scheduledTime: status?.conditions?.find((c) => c.type === 'PodScheduled' && c.status === 'True')
      ?.lastTransitionTime,
    startTime: end?.startedAt ?? runnerState(pod)?.running?.startedAt,
  });
  if (state === 'waiting') return { ...common, waiting: whyPodWaits(pod, volumeTrouble(pod, jobName, sources)) };
  // Its runner may have ended before the pod does.
  if (state === 'running') return { ...common, ...defined({ result: resultOf(end) }) };
  const failure = state === 'succeeded' ? undefined : whyPodFailed(pod);
  return {
    ...common,
    ...defined({ endTime: end?.finishedAt, exitCode: end?.exitCode, result: resultOf(end), failure }),
  };
}
