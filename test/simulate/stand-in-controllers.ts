import type { PodFailureRule } from '../../operator/api/kubernetes.ts';
import { LABEL_JOB_UID } from '../../operator/api/labels.ts';
import type { Dice } from '../faults/dice.ts';
import { FOREGROUND, keyOf, type Plural, type StandInApiServer, type Stored, timeOf } from './stand-in-api-server.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What the models of Kubernetes' own parts share. */
export interface World {
  readonly server: StandInApiServer;
  readonly time: VirtualTime;
  readonly dice: Dice;
  /** Whether the rough time is over: nothing takes long then, and most runners end well. */
  readonly isCalm: () => boolean;
}

export const TRACKING = 'batch.kubernetes.io/job-tracking';

/** Whether a pod has ended: only its phase says so. */
export function isTerminal(pod: Stored): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

export function hasEnded(job: Stored): boolean {
  return (job.status?.conditions ?? []).some(
    ({ type, status }: { type: string; status: string }) =>
      (type === 'Complete' || type === 'Failed') && status === 'True',
  );
}

/** Uid of the object's controller. */
export function ownerUid({ metadata }: Stored): string | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid;
}

/**
 * A stand-in for the Job controller: makes the pods of Jobs, one after another, and ends a Job some time after its pod, by
 * the failure policy that the Job itself carries. Gives what is to be called when a Job or a pod has changed.
 */
export function createStandInJobController(world: World): (jobKey: string) => void {
  const { server, time, dice, isCalm } = world;
  const pending = new Set<string>();
  /** How a Job ends, once one of its pods was counted. */
  const verdicts = new Map<string, { readonly type: string; readonly reason: string }>();
  const sync = (key: string) => {
    const job = server.get('jobs', key);
    if (job === undefined || job.metadata.deletionTimestamp !== undefined) return releaseAll(server, key, job);
    const uid = job.metadata.uid ?? '';
    const { namespace } = job.metadata;
    const pods = server.list('pods').filter((pod) => ownerUid(pod) === uid && pod.metadata.namespace === namespace);
    for (const pod of pods) count(pod, job, verdicts, server);
    if (hasEnded(job)) return;
    const verdict = verdicts.get(uid);
    if (verdict === undefined) {
      suspend(job, job.spec.suspend === true);
      keepOnePod(job, pods);
    } else end(job, verdict);
  };
  const keepOnePod = (job: Stored, pods: readonly Stored[]) => {
    const active = pods.filter((pod) => !isTerminal(pod));
    const suspended = job.spec.suspend === true;
    if (suspended) for (const pod of active) dropPod(server, pod, 'job-controller');
    if (active.length > 0 || pods.some((pod) => pod.metadata.finalizers?.includes(TRACKING))) return;
    if (!suspended) createPod(job, world);
  };
  const end = (job: Stored, { type, reason }: { readonly type: string; readonly reason: string }) => {
    const condition = { type, status: 'True', reason, message: reason, lastTransitionTime: timeOf(time.now()) };
    const conditions = [...(job.status?.conditions ?? []), condition];
    const ended = (old: Stored): Stored => ({ ...old, status: { ...old.status, conditions } });
    server.change('jobs', keyOf(job), ended, 'job-controller');
  };
  const suspend = (job: Stored, on: boolean) => {
    const status = on ? 'True' : 'False';
    const conditions: readonly { readonly type: string; readonly status: string }[] = job.status?.conditions ?? [];
    const told = conditions.find(({ type }) => type === 'Suspended')?.status;
    if (told === undefined && !on) {
      begin(job);
      return;
    }
    if (told === status) return;
    const condition = {
      type: 'Suspended',
      status,
      reason: on ? 'JobSuspended' : 'JobResumed',
      message: 'Job suspended',
    };
    // The Job begins anew when it goes on.
    const begun = on ? {} : { startTime: timeOf(time.now()) };
    const next = { conditions: [condition], ...begun };
    server.change('jobs', keyOf(job), (old) => ({ ...old, status: next }), 'job-controller');
  };
  /** From when it is first looked at. */
  const begin = (job: Stored) => {
    if (job.status?.startTime !== undefined) return;
    const begun = (old: Stored): Stored => ({ ...old, status: { ...old.status, startTime: timeOf(time.now()) } });
    server.change('jobs', keyOf(job), begun, 'job-controller');
  };
  return (key) => {
    if (pending.has(key)) return;
    pending.add(key);
    const slow = !isCalm() && dice.share() < 0.1;
    time.after(slow ? dice.between(1_000, 20_000) : dice.between(10, 400), () => {
      pending.delete(key);
      sync(key);
    });
  };
}

/** The Job is gone, or going: its pods need not be counted any more. */
function releaseAll(server: StandInApiServer, key: string, job: Stored | undefined): void {
  for (const pod of server.list('pods')) {
    const owner = pod.metadata.ownerReferences?.[0];
    const ofJob = owner?.kind === 'Job' && `${pod.metadata.namespace}/${owner.name}` === key;
    if (ofJob && (job === undefined || owner.uid === job.metadata.uid)) untrack(server, pod);
  }
}

function untrack(server: StandInApiServer, pod: Stored): void {
  const finalizers = pod.metadata.finalizers ?? [];
  if (!finalizers.includes(TRACKING)) return;
  const rest = finalizers.filter((name) => name !== TRACKING);
  const change = (old: Stored): Stored => ({ ...old, metadata: { ...old.metadata, finalizers: rest } });
  server.change('pods', keyOf(pod), change, 'job-controller');
}

function count(
  pod: Stored,
  job: Stored,
  verdicts: Map<string, { readonly type: string; readonly reason: string }>,
  server: StandInApiServer,
): void {
  if (!isTerminal(pod) || pod.metadata.finalizers?.includes(TRACKING) !== true) return;
  const uid = job.metadata.uid ?? '';
  const action = pod.status.phase === 'Succeeded' ? 'Complete' : ruleFor(pod, job);
  if (action === 'Complete') verdicts.set(uid, { type: 'Complete', reason: 'CompletionsReached' });
  if (action === 'FailJob') verdicts.set(uid, { type: 'Failed', reason: 'PodFailurePolicy' });
  if (action === 'Count') verdicts.set(uid, { type: 'Failed', reason: 'BackoffLimitExceeded' });
  untrack(server, pod);
}

/** What the Job's own policy makes of a failed pod. */
function ruleFor(pod: Stored, job: Stored): PodFailureRule['action'] {
  const rules: readonly PodFailureRule[] = job.spec.podFailurePolicy?.rules ?? [];
  const code: number | undefined = pod.status.containerStatuses?.[0]?.state?.terminated?.exitCode;
  const conditions: readonly { type: string; status: string }[] = pod.status.conditions ?? [];
  const matches = ({ onExitCodes, onPodConditions = [] }: PodFailureRule) =>
    (code !== undefined && code !== 0 && onExitCodes?.values.includes(code) === true) ||
    onPodConditions.some((wanted) =>
      conditions.some(({ type, status }) => type === wanted.type && status === wanted.status),
    );
  return rules.find(matches)?.action ?? 'Count';
}

function createPod(job: Stored, { server, dice }: World): void {
  const { name, namespace, uid = '' } = job.metadata;
  const letters = 'bcdfghjklmnpqrstvwxz2456789';
  const suffix = Array.from({ length: 5 }, () => letters[dice.between(0, letters.length - 1)]).join('');
  const owner = { apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...{ name: `${name}-${suffix}`, namespace, ownerReferences: [owner] },
      labels: { ...job.spec.template.metadata.labels, [LABEL_JOB_UID]: uid },
      annotations: job.spec.template.metadata.annotations,
      finalizers: [...(job.spec.template.metadata.finalizers ?? []), TRACKING],
    },
    spec: { volumes: job.spec.template.spec.volumes },
    status: { phase: 'Pending' },
  };
  server.create('pods', pod as Stored, 'job-controller');
}

/** Asks a pod to end: one that no node has, or that has ended, goes at once. */
export function dropPod(server: StandInApiServer, pod: Stored, by: string): void {
  const graceful = pod.spec?.nodeName !== undefined && !isTerminal(pod);
  server.remove('pods', keyOf(pod), { graceSeconds: graceful ? 30 : 0 }, by);
}

/**
 * A stand-in for the garbage collector: what has lost its owner goes, and an owner that waits for its children (foreground)
 * goes after them. Gives what is to be called when something was stored or has ended.
 */
export function createStandInGarbageCollector({ server, time, dice, isCalm }: World): () => void {
  let pending = false;
  const sweep = () => {
    pending = false;
    for (const plural of ['jobs', 'pods', 'configmaps'] as const)
      for (const object of server.list(plural)) collect(plural, object);
    for (const plural of ['videogenerations', 'jobs'] as const)
      for (const object of server.list(plural)) finish(plural, object);
  };
  const owners = { VideoGeneration: 'videogenerations', Job: 'jobs' } as const;
  const collect = (plural: Plural, object: Stored) => {
    const { ownerReferences = [], deletionTimestamp, namespace } = object.metadata;
    const owner = ownerReferences[0];
    if (owner === undefined || deletionTimestamp !== undefined) return;
    const found = server.get(owners[owner.kind as keyof typeof owners], `${namespace}/${owner.name}`);
    const there = found !== undefined && found.metadata.uid === owner.uid;
    const foreground = there && found.metadata.finalizers?.includes(FOREGROUND) === true;
    if (there && !foreground) return;
    if (plural === 'pods') dropPod(server, object, 'gc');
    else server.remove(plural, keyOf(object), { foreground: foreground && plural === 'jobs' }, 'gc');
  };
  const finish = (plural: Plural, object: Stored) => {
    const { finalizers = [], uid } = object.metadata;
    if (!finalizers.includes(FOREGROUND)) return;
    const children = (['jobs', 'pods', 'configmaps'] as const).flatMap((kind) => server.list(kind));
    if (children.some((child) => ownerUid(child) === uid)) return;
    const rest = finalizers.filter((name) => name !== FOREGROUND);
    const change = (old: Stored): Stored => ({ ...old, metadata: { ...old.metadata, finalizers: rest } });
    server.change(plural, keyOf(object), change, 'gc');
  };
  return () => {
    if (pending) return;
    pending = true;
    const slow = !isCalm() && dice.share() < 0.1;
    time.after(slow ? dice.between(1_000, 15_000) : dice.between(10, 500), sweep);
  };
}
