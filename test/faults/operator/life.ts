/** One film's life on an API server that has no Job controller, scheduler, kubelet or garbage collector: this plays them all. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job, NewJob, Pod } from '../../../operator/api/kubernetes.ts';
import { API_VERSION, KIND, VIDEO_GENERATIONS } from '../../../operator/api/labels.ts';
import type { KubeClient } from '../../../operator/kube/client.ts';
import { failureOf } from '../../../operator/kube/failure.ts';
import {
  CONFIG_MAPS,
  JOBS,
  type KubeObject,
  PODS,
  pathOf,
  type ResourceType,
} from '../../../operator/kube/resource.ts';
import type { Dice } from '../dice.ts';
import type { History } from './history.ts';
import { holdsGpus, isOpen, isOver, promptOf } from './invariants.ts';

export interface World {
  readonly client: KubeClient;
  readonly history: History;
  readonly namespace: string;
  readonly dice: Dice;
}

const GIVEN_UP_MS = 400_000;
/** Longest time between two steps of whoever acts here. */
const STEP_MS = 500;
const ENDS = [
  ...Array<'success'>(5).fill('success'),
  ...Array<'failure'>(3).fill('failure'),
  ...(['final', 'disrupted', 'stopped', 'vanished', 'job deleted', 'success'] as const),
];
type End = (typeof ENDS)[number];
const CODES: Readonly<Record<Exclude<End, 'vanished' | 'job deleted'>, number>> = {
  ...{ success: 0, failure: 1, final: 20, disrupted: 137, stopped: 10 },
};

/** Lives one film to its end and waits until everything of it is quiet; says how it ended. */
export async function liveFilm(name: string, world: World): Promise<string> {
  const { history, dice } = world;
  await call(world, 'POST', VIDEO_GENERATIONS, undefined, film(name, dice));
  const played = new Set<string>();
  const acting: Promise<void>[] = meddling(name, world);
  const started = performance.now();
  const over = () => isOver(history.film(name)?.status);
  const isBusy = () => history.jobs(name).some(isOpen) || history.pods(name).some(holdsGpus);
  let born = false;
  for (; performance.now() - started < GIVEN_UP_MS; await sleep(50)) {
    born ||= history.film(name) !== undefined;
    for (const job of history.jobs(name)) {
      if (played.has(job.metadata.uid ?? '')) continue;
      played.add(job.metadata.uid ?? '');
      acting.push(playJob(name, job, world));
    }
    const gone = born && history.film(name) === undefined;
    if ((over() || gone) && !isBusy()) break;
  }
  await Promise.all(acting);
  return history.film(name)?.status?.phase ?? 'deleted';
}

const film = (name: string, dice: Dice) => ({
  apiVersion: API_VERSION,
  kind: KIND,
  metadata: { name },
  spec: {
    prompt: promptOf(1),
    length: { frames: 81 },
    model: { ref: 'tiny', source: { persistentVolumeClaim: { claimName: 'models' } } },
    output: { persistentVolumeClaim: { claimName: 'films' } },
    retries: { failures: dice.between(0, 1), disruptions: dice.between(0, 2) },
  },
});

/** What people do to a film while it is made. */
function meddling(name: string, world: World): Promise<void>[] {
  const { dice } = world;
  const change = (spec: object) => call(world, 'PATCH', VIDEO_GENERATIONS, name, { spec });
  const later = async (longestMs: number, act: () => Promise<unknown>) => {
    await sleep(dice.share() * longestMs);
    await act();
  };
  return [
    ...(dice.share() < 0.4 ? [later(1500, () => change({ prompt: promptOf(2) }))] : []),
    ...(dice.share() < 0.05 ? [later(8000, () => call(world, 'DELETE', VIDEO_GENERATIONS, name))] : []),
  ];
}

/** The Job controller, the scheduler and the kubelet: pods of a Job follow each other until it ends. */
async function playJob(film: string, job: Job, world: World): Promise<void> {
  const goesOn = () =>
    world.history.jobs(film).some((other) => other.metadata.uid === job.metadata.uid && isOpen(other));
  await step(world.dice);
  while (goesOn()) {
    const pod = await makePod(job, world);
    if (pod === undefined) return;
    await step(world.dice);
    if (world.dice.share() < 0.8) await podStatus(pod, running, world);
    await step(world.dice);
    await step(world.dice);
    if (!goesOn() || (await endPod(pod, job.metadata.name, world))) return;
    await step(world.dice);
  }
}

/** One pod's end, and its Job's if that ends with it, written in any order. True if the Job makes no other pod. */
async function endPod(pod: string, job: string, world: World): Promise<boolean> {
  const { dice } = world;
  const end = dice.pick(ENDS);
  if (end === 'job deleted') {
    await call(world, 'DELETE', JOBS, job, { propagationPolicy: 'Background' });
    return true;
  }
  if (end === 'vanished') {
    await call(world, 'DELETE', PODS, pod, { gracePeriodSeconds: 0 });
    return false;
  }
  const writes = [() => podStatus(pod, ended(end, job), world), ...jobEnd(end, job, world)];
  if (dice.share() < 0.3) writes.reverse();
  for (const write of writes) {
    await write();
    await slowly(dice);
  }
  return writes.length === 2;
}

/** Now and then longer than an operator waits before it starts the next attempt. */
const slowly = (dice: Dice) => (dice.share() < 0.3 ? sleep(dice.between(11_000, 16_000)) : step(dice));
const step = (dice: Dice) => sleep(dice.share() ** 2 * STEP_MS);

async function makePod(job: Job, world: World): Promise<string | undefined> {
  const { metadata, spec } = job as NewJob;
  const { name, uid } = metadata;
  const owner = { apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true, blockOwnerDeletion: true };
  const labels = { ...spec.template.metadata.labels, 'batch.kubernetes.io/job-name': name };
  const pod = {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: { ...spec.template.metadata, generateName: `${name}-`, labels, ownerReferences: [owner] },
    spec: { ...spec.template.spec, nodeName: 'gpu-1' },
  };
  return (await call<Pod>(world, 'POST', PODS, undefined, pod))?.metadata.name;
}

const now = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

function running() {
  return { phase: 'Running', containerStatuses: [container({ running: { startedAt: now() } })] };
}

function ended(end: keyof typeof CODES, job: string): () => object {
  return () => {
    const disrupted = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'evicted' };
    const terminated = { exitCode: CODES[end], startedAt: now(), finishedAt: now(), reason: 'x' };
    const message = end === 'success' ? { message: JSON.stringify(resultOf(job)) } : {};
    return {
      phase: end === 'success' ? 'Succeeded' : 'Failed',
      ...(end === 'disrupted' ? { conditions: [disrupted] } : {}),
      containerStatuses: [container({ terminated: { ...terminated, ...message } })],
    };
  };
}

const container = (state: object) => ({
  ...{ name: 'runner', image: 'x', imageID: '', ready: false, restartCount: 0, state },
});

function resultOf(job: string) {
  const file = { location: `/output/${job}/video.mp4`, file: 'video.mp4', frames: 81, seconds: 5.0625, bytes: 1234 };
  const sha256 = Buffer.from(job).toString('hex').padEnd(64, '0').slice(-64);
  const picture = { width: 832, height: 480, fps: 16, codec: 'h264' };
  return {
    contractVersion: 1,
    outcome: 'succeeded',
    framesReady: 81,
    elapsedSeconds: 1,
    film: { ...file, sha256, ...picture },
  };
}

/** How the Job controller ends the Job; nothing where it would make another pod instead. */
function jobEnd(end: keyof typeof CODES, name: string, world: World): (() => Promise<unknown>)[] {
  if (end === 'disrupted' || end === 'stopped') return [];
  const types = end === 'success' ? ['SuccessCriteriaMet', 'Complete'] : ['FailureTarget', 'Failed'];
  const reason = { success: 'CompletionsReached', failure: 'BackoffLimitExceeded', final: 'PodFailurePolicy' }[end];
  const status = () => ({
    ...{ active: 0, ready: 0, terminating: 0, startTime: now() },
    ...(end === 'success' ? { succeeded: 1, completionTime: now() } : { failed: 1 }),
    conditions: types.map((type) => ({
      type,
      status: 'True',
      reason,
      message: 'x',
      lastTransitionTime: now(),
      lastProbeTime: now(),
    })),
  });
  return [() => call(world, 'PATCH', JOBS, name, { status: status() }, 'status')];
}

function podStatus(name: string, status: () => object, world: World): Promise<unknown> {
  return call(world, 'PATCH', PODS, name, { status: status() }, 'status');
}

/** What the garbage collector and the kubelet do about Jobs whose film is gone and pods whose Job is: until told to stop. */
export async function sweep(world: World, stop: AbortSignal): Promise<void> {
  const { history } = world;
  const swept = new Set<string>();
  /** What of these is without its owner, and is not looked after already. */
  const orphans = (objects: readonly KubeObject[], hasOwner: (owner: { name: string; uid: string }) => boolean) => {
    const found = objects.filter(
      ({ metadata: { uid = '', ownerReferences: [owner] = [] } }) =>
        owner !== undefined && !swept.has(uid) && !hasOwner(owner),
    );
    for (const { metadata } of found) swept.add(metadata.uid ?? '');
    return found.map(({ metadata }) => metadata.name);
  };
  while (!stop.aborted) {
    const jobs = new Set(history.jobs().map(({ metadata }) => metadata.uid));
    for (const name of orphans(history.pods(), ({ uid }) => jobs.has(uid))) void stopPod(name, world);
    for (const name of orphans(history.maps(), ({ uid }) => jobs.has(uid)))
      void step(world.dice).then(() => call(world, 'DELETE', CONFIG_MAPS, name));
    for (const name of orphans(history.jobs(), (owner) => history.film(owner.name)?.metadata.uid === owner.uid))
      void step(world.dice).then(() => call(world, 'DELETE', JOBS, name, { propagationPolicy: 'Background' }));
    await sleep(100);
  }
}

/** A pod is told to stop, stops, and only then is gone. */
async function stopPod(name: string, world: World): Promise<void> {
  await step(world.dice);
  await call(world, 'DELETE', PODS, name, { gracePeriodSeconds: 30 });
  await slowly(world.dice);
  const pod = await call<Pod>(world, 'GET', PODS, name);
  if (pod !== undefined && holdsGpus(pod)) await podStatus(name, ended('stopped', ''), world);
  await step(world.dice);
  await call(world, 'DELETE', PODS, name, { gracePeriodSeconds: 0 });
}

/** A call straight to the API server; undefined where the object is gone, or is not what it was. */
async function call<T extends KubeObject = KubeObject>(
  { client, namespace }: World,
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  resource: ResourceType,
  name: string | undefined,
  body?: object,
  subresource?: string,
): Promise<T | undefined> {
  const contentType = method === 'PATCH' ? { contentType: 'application/merge-patch+json' } : {};
  const path = pathOf(resource, { namespace, name, subresource });
  try {
    return await client.call<T>({ method, path, ...contentType, ...(body === undefined ? {} : { body }) });
  } catch (error) {
    const { kind, status, message } = failureOf(error);
    // People may not change what a film is made from once it has begun.
    const fixed = kind === 'invalid' && status === 422 && resource === VIDEO_GENERATIONS && method === 'PATCH';
    if (kind === 'missing' || kind === 'conflict' || fixed) return undefined;
    throw new Error(`the film's world could not act: ${message}`, { cause: error });
  }
}
