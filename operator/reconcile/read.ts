import type { ConfigMap, Job, Pod } from '../api/kubernetes.ts';
import { LABEL_RESOURCE, VIDEO_GENERATIONS } from '../api/labels.ts';
import type { VideoGeneration } from '../api/video-generation.ts';
import { jobName, mapOf } from '../job/names.ts';
import { itemsIn, objectIn } from '../kube/answer.ts';
import type { KubeClient } from '../kube/client.ts';
import { ApiError, failureOf } from '../kube/failure.ts';
import {
  CONFIG_MAPS,
  controllerUid,
  JOBS,
  type KubeObject,
  keyOf,
  PODS,
  pathOf,
  type ResourceType,
} from '../kube/resource.ts';
import { isEnded } from './attempts.ts';
import { attemptNumber, jobOfPod } from './belongs.ts';
import { newComplaint } from './complaints.ts';
import { isAlive, type Observed } from './observed.ts';
import { podState, runnerEnd } from './pod-facts.ts';
import { BY_LABEL, learn, type Sources } from './sources.ts';
import { contradictedJobs, type KnownPod } from './torn-read.ts';
import { jobEnd, viewOf } from './view.ts';

/** A Job that changes more often than that while it is read is left for another round. */
const MOST_READS = 4;

export interface ReadContext {
  readonly client: KubeClient;
  readonly sources: Sources;
  readonly hostPathAllowed: boolean;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

/**
 * Reads the resource, its Jobs and its pods from the API server itself, in this order: a Job ends after its pod, so the pods
 * that are read after it are not behind it. The caches learn what they lag behind with. Undefined if the resource is gone.
 */
export async function read(
  { resource, jobs, outdated }: Observed,
  context: ReadContext,
): Promise<Observed | undefined> {
  const { sources, hostPathAllowed } = context;
  const object = await readResource(resource, context);
  if (object === undefined || object.metadata.uid !== resource.uid) return undefined;
  const { claim, attempts = [] } = object.status ?? {};
  const open = [...jobs, ...outdated].filter(({ ended }) => ended === undefined).map(({ number }) => number);
  const known = [claim?.attempt, attempts.at(-1)?.number, jobs.at(-1)?.number, ...open];
  const numbers = [...new Set(known.filter((number) => number !== undefined))];
  const names = numbers.map((number) => jobName(resource, number));
  const { foundJobs, foundPods, readAt } = await readTogether(
    object,
    names,
    atWork([...jobs, ...outdated], object),
    context,
  );
  learn(sources.jobs, foundJobs);
  learn(sources.pods, foundPods);
  const pods = [...foundPods, ...endedInCache(object, foundPods, sources)];
  await lookForFrozenSpec(object, foundJobs, pods, context);
  const all = [...foundJobs, ...endedJobsInCache(object, foundJobs, sources)];
  return { ...viewOf({ object, jobs: all, pods, live: true }, sources, hostPathAllowed), readAt };
}

/** Pods that were at work when they were last seen, by the caches or by who wrote the status. */
function atWork(jobs: Observed['jobs'], { status }: VideoGeneration): readonly KnownPod[] {
  const seen = jobs.flatMap(({ name, pods }) => pods.filter(isAlive).map(({ uid }) => ({ job: name, uid })));
  const told = (status?.attempts ?? []).filter((attempt) => !isEnded(attempt));
  return [...seen, ...told.flatMap(({ job, podUid }) => (podUid === undefined ? [] : [{ job, uid: podUid }]))];
}

/** Jobs, and pods that were read after them, of which none tells of something that happened to the other in between. */
async function readTogether(
  object: VideoGeneration,
  names: readonly string[],
  known: readonly KnownPod[],
  context: ReadContext,
): Promise<{ readonly foundJobs: readonly Job[]; readonly foundPods: readonly Pod[]; readonly readAt: number }> {
  const { namespace = '', name, uid = '' } = object.metadata;
  const resource = { namespace, name, uid };
  for (let tries = 0; tries < MOST_READS; tries++) {
    const listed = await list<Job>(JOBS, object, context);
    const before = [...listed, ...(await readMissing(namespace, names, listed, context))];
    const readAt = context.now();
    const foundPods = await readPods(object, context);
    const ofPods = foundPods.map((pod) => jobOfPod(resource, pod)?.name);
    const foundJobs = [...before, ...(await readMissing(namespace, ofPods, before, context))];
    const doubtful = contradictedJobs(resource, foundJobs, foundPods, known);
    if (!(await haveChanged(doubtful, namespace, context))) return { foundJobs, foundPods, readAt };
  }
  throw new ApiError({ kind: 'retry', status: 0, message: `the Jobs of ${name} change faster than they can be read` });
}

async function haveChanged(jobs: readonly Job[], namespace: string, context: ReadContext): Promise<boolean> {
  for (const { metadata } of jobs) {
    const again = await get<Job>(JOBS, { namespace, name: metadata.name }, context);
    if (again?.metadata.resourceVersion !== metadata.resourceVersion) return true;
  }
  return false;
}

/** The resource as the API server has it now; undefined if it is gone. */
export async function readResource(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  context: ReadContext,
): Promise<VideoGeneration | undefined> {
  const object = await get<VideoGeneration>(VIDEO_GENERATIONS, { namespace, name }, context);
  if (object !== undefined) learn(context.sources.resources, [object]);
  return object;
}

/** The Jobs of these names that are not among the found ones: labels can be taken off, and then no list shows a Job. */
async function readMissing(
  namespace: string,
  names: readonly (string | undefined)[],
  found: readonly Job[],
  context: ReadContext,
): Promise<readonly Job[]> {
  const known = new Set<string | undefined>([undefined, ...found.map(({ metadata }) => metadata.name)]);
  const jobs: Job[] = [];
  for (const name of new Set(names)) {
    if (name === undefined || known.has(name)) continue;
    const job = await get<Job>(JOBS, { namespace, name }, context);
    if (job !== undefined) jobs.push(job);
  }
  return jobs;
}

async function readPods(object: VideoGeneration, context: ReadContext): Promise<readonly Pod[]> {
  const { namespace = '', name } = object.metadata;
  const pods = [...(await list<Pod>(PODS, object, context))];
  for (const { pod, podUid, outcome } of object.status?.attempts ?? []) {
    const open = outcome === 'Waiting' || outcome === 'Running';
    if (!open || pod === undefined || pods.some(({ metadata: { uid } }) => uid === podUid)) continue;
    const found = await get<Pod>(PODS, { namespace, name: pod }, context);
    if (found?.metadata.uid === podUid && found !== undefined) pods.push(relabelled(found, name));
  }
  return pods;
}

/** A pod that is ours by its identity, whatever became of its labels. */
function relabelled(pod: Pod, name: string): Pod {
  return { ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, [LABEL_RESOURCE]: name } } };
}

/**
 * Pods that are gone but were seen to end: how they ended, and what their runners left, is a fact. A runner that has ended has ended its pod,
 * though its kubelet had not said so yet of the pod as a whole.
 */
function endedInCache(object: VideoGeneration, found: readonly Pod[], { pods }: Sources): readonly Pod[] {
  const there = new Set(found.map(({ metadata }) => metadata.uid));
  return pods
    .by(BY_LABEL, keyOf(object))
    .filter((pod) => !there.has(pod.metadata.uid) && hasEnded(pod))
    .map(asGone);
}

function hasEnded(pod: Pod): boolean {
  return runnerEnd(pod) !== undefined || !['waiting', 'running'].includes(podState(pod));
}

/**
 * Of a pod that is gone no container goes on, and holds its GPUs, though one did when it was last seen. It has ended as a kubelet would say
 * from what its containers had come to by then.
 */
function asGone(pod: Pod): Pod {
  const { phase: told = '', containerStatuses = [] } = pod.status ?? {};
  const isWell = containerStatuses.every(({ state }) => state?.terminated?.exitCode === 0);
  const phase = ['Succeeded', 'Failed'].includes(told) ? told : isWell ? 'Succeeded' : 'Failed';
  return { ...pod, status: { ...pod.status, phase } };
}

/** Jobs that are known to have ended need no second look. */
function endedJobsInCache(object: VideoGeneration, found: readonly Job[], { jobs }: Sources): readonly Job[] {
  const names = new Set(found.map(({ metadata }) => metadata.name));
  return jobs.by(BY_LABEL, keyOf(object)).filter((job) => jobEnd(job) !== undefined && !names.has(job.metadata.name));
}

/** Whether the frozen spec of the Job at work is there, as long as the runner of its newest pod has not read it. */
async function lookForFrozenSpec(
  object: VideoGeneration,
  jobs: readonly Job[],
  pods: readonly Pod[],
  context: ReadContext,
): Promise<void> {
  const { sources } = context;
  const { namespace = '', name, uid = '' } = object.metadata;
  const resource = { namespace, name, uid };
  for (const job of jobs) {
    const jobUid = job.metadata.uid ?? '';
    const mine = pods.filter((pod) => jobOfPod(resource, pod)?.uid === jobUid);
    const begun = mine.some((pod) => !['waiting', 'disrupted'].includes(podState(pod)));
    if (begun || attemptNumber(resource, job) === undefined) continue;
    const complaint = newComplaint(job, mine, sources);
    if (sources.frozen.get(jobUid) === true && complaint === undefined) continue;
    const map = await get<ConfigMap>(CONFIG_MAPS, { namespace, name: mapOf(job) }, context);
    sources.frozen.set(jobUid, map !== undefined && controllerUid(map) === jobUid);
    if (complaint !== undefined) sources.complaints.set(jobUid, complaint);
  }
}

async function list<T extends KubeObject>(
  resource: ResourceType,
  { metadata: { namespace = '', name } }: VideoGeneration,
  { client, signal }: ReadContext,
): Promise<readonly T[]> {
  const path = pathOf(resource, { namespace });
  const query = { labelSelector: `${LABEL_RESOURCE}=${name}` };
  return itemsIn<T>(await client.call({ method: 'GET', path, query, signal }), path);
}

async function get<T extends KubeObject>(
  resource: ResourceType,
  at: { readonly namespace: string; readonly name: string },
  { client, signal }: ReadContext,
): Promise<T | undefined> {
  const path = pathOf(resource, at);
  try {
    return objectIn<T>(await client.call({ method: 'GET', path, signal }), path);
  } catch (error) {
    if (failureOf(error).kind === 'missing') return undefined;
    throw error;
  }
}
