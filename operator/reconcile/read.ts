import type { ConfigMap, Job, Pod } from '../api/kubernetes.ts';
import { LABEL_RESOURCE } from '../api/labels.ts';
import type { VideoGeneration } from '../api/video-generation.ts';
import { jobName, mapOf } from '../job/names.ts';
import { itemsIn, objectIn } from '../kube/answer.ts';
import type { KubeClient } from '../kube/client.ts';
import { failureOf } from '../kube/failure.ts';
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
import { attemptNumber, jobOfPod } from './belongs.ts';
import { newComplaint } from './complaints.ts';
import type { Observed } from './observed.ts';
import { podState } from './pod-facts.ts';
import { BY_LABEL, learn, type Sources } from './sources.ts';
import { jobEnd, viewOf } from './view.ts';
import { VIDEO_GENERATIONS } from './write-status.ts';

export interface ReadContext {
  readonly client: KubeClient;
  readonly sources: Sources;
  readonly hostPathAllowed: boolean;
  readonly signal: AbortSignal;
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
  const { namespace, name, uid } = resource;
  const missing = (names: readonly (string | undefined)[], found: readonly Job[]) =>
    readMissing(namespace, names, found, context);
  const listed = await list<Job>(JOBS, object, context);
  const ofStatus = await missing(
    numbers.map((number) => jobName({ namespace, name, uid }, number)),
    listed,
  );
  const foundPods = await readPods(object, context);
  const before = [...listed, ...ofStatus];
  const foundJobs = [
    ...before,
    ...(await missing(
      foundPods.map((pod) => jobOfPod(resource, pod)?.name),
      before,
    )),
  ];
  learn(sources.jobs, foundJobs);
  learn(sources.pods, foundPods);
  const pods = [...foundPods, ...endedInCache(object, foundPods, sources)];
  await lookForFrozenSpec(object, foundJobs, pods, context);
  const all = [...foundJobs, ...endedJobsInCache(object, foundJobs, sources)];
  return viewOf({ object, jobs: all, pods, live: true }, sources, hostPathAllowed);
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

/** Pods that are gone but were seen to end: how they ended, and what their runners left, is a fact. */
function endedInCache(object: VideoGeneration, found: readonly Pod[], { pods }: Sources): readonly Pod[] {
  const there = new Set(found.map(({ metadata }) => metadata.uid));
  return pods
    .by(BY_LABEL, keyOf(object))
    .filter((pod) => !there.has(pod.metadata.uid) && !['waiting', 'running'].includes(podState(pod)));
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
