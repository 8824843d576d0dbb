import { EXITS, STOPPED_EXITS } from '#contract/exit.ts';
import { type Result, resultSchema } from '#contract/result.ts';
import { defined } from '../api/defined.ts';
import { type ContainerEnd, conditionIs, type Pod } from '../api/kubernetes.ts';
import { RUNNER_CONTAINER } from '../api/labels.ts';
import { type Why, why } from '../api/reasons.ts';
import type { Attempt } from '../api/status.ts';
import type { PodState } from './observed.ts';

/** Reasons of a failed pod for which the cluster answers, not the runner. No podFailurePolicy can match them. */
const TAKEN_AWAY = new Set([
  'UnexpectedAdmissionError',
  'NodeShutdown',
  'NodeAffinity',
  'Terminated',
  'Preempting',
  'Evicted',
  'NodeLost',
]);
const OUT_OF_RESOURCE = 'OutOf';
/** A program that a signal ended has this exit code and the signal's number. */
const SIGNALLED = 128;

/** What the kubelet says of the runner's container; a pod may have others, in any order. */
export function runnerState(pod: Pod) {
  return pod.status?.containerStatuses?.find((c) => c.name === RUNNER_CONTAINER)?.state;
}

/** How the runner of a pod ended, if it did. */
export function runnerEnd(pod: Pod): ContainerEnd | undefined {
  return runnerState(pod)?.terminated;
}

/** Where a pod stands. It has ended only when its phase says so: then its GPUs are free. */
export function podState(pod: Pod): PodState {
  const phase = pod.status?.phase;
  if (phase === 'Succeeded' || (phase === 'Failed' && hasFilm(pod))) return 'succeeded';
  if (phase === 'Failed') return isDisruption(pod) ? 'disrupted' : 'failed';
  if (lingering(pod) !== undefined) return hasFilm(pod) ? 'succeeded' : isDisruption(pod) ? 'disrupted' : 'failed';
  const state = runnerState(pod);
  return state?.running !== undefined || state?.terminated !== undefined ? 'running' : 'waiting';
}

/** Containers that go on after the runner has ended: somebody else has put them into the pod. Undefined where there are none. */
export function lingering({ status }: Pod): readonly string[] | undefined {
  // A container that waits for its image makes the pod Pending, also when the runner is over.
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return undefined;
  if (runnerEnd({ status } as Pod) === undefined) return undefined;
  const others = (status?.containerStatuses ?? []).filter(
    ({ name, state }) => name !== RUNNER_CONTAINER && state?.terminated === undefined,
  );
  return others.length === 0 ? undefined : others.map(({ name }) => name);
}

/** Whether a pod has GPUs, or will have: it has not ended as a whole. */
export function holdsGpus(pod: Pod): boolean {
  const state = podState(pod);
  return state === 'waiting' || state === 'running' || lingering(pod) !== undefined;
}

/** The runner was through with the film: whatever the cluster did to its pod then, and calls it, cannot undo that. */
function hasFilm(pod: Pod): boolean {
  const end = runnerEnd(pod);
  return end?.exitCode === EXITS.success.code && resultOf(end)?.film !== undefined;
}

/** The record that the runner left as its termination message. */
export function resultOf(end: ContainerEnd | undefined): Result | undefined {
  // Most pods have left nothing yet: that needs no parser to find out.
  if (end?.message === undefined || end.message === '') return undefined;
  const parsed = resultSchema.safeParse(parseJson(end.message));
  return parsed.success ? parsed.data : undefined;
}

/** Every attempt's message stays in the status. */
const MESSAGE_CHARACTERS = 1000;

/** Why a pod failed or was taken away: the runner's own error if it left one, else what Kubernetes says. */
export function whyPodFailed(pod: Pod): Why {
  const { reason, message } = wholeWhy(pod);
  return {
    reason,
    message: cut(message, MESSAGE_CHARACTERS),
  };
}

function wholeWhy(pod: Pod): Why {
  const end = runnerEnd(pod);
  const { status, metadata } = pod;
  const error = resultOf(end)?.error;
  if (error !== undefined && !wasToldToStop(end)) return { reason: error.code, message: error.message };
  if (conditionIs(status?.conditions, 'DisruptionTarget', 'True')) {
    const target = status?.conditions?.find((c) => c.type === 'DisruptionTarget');
    return {
      reason: target?.reason ?? 'DisruptionTarget',
      message: target?.message ?? 'the cluster took the pod away',
    };
  }
  if (end === undefined || status?.reason !== undefined) {
    const detail = status?.message ?? status?.reason ?? initFailure(pod) ?? 'no reason given';
    return { reason: status?.reason ?? 'PodFailed', message: why('PodFailed', { pod: metadata.name, detail }).message };
  }
  return whyRunnerEnded(end);
}

function whyRunnerEnded(end: ContainerEnd): Why {
  const result = resultOf(end);
  if (end.reason === 'OOMKilled') return why('OutOfMemory');
  if (wasToldToStop(end)) return { ...why('RunnerStopped'), ...defined({ message: result?.error?.message }) };
  if (end.signal !== undefined && end.signal > 0) return why('Killed', { signal: end.signal });
  const told = why('RunnerFailed', { exit: end.exitCode, meaning: meaningOf(end.exitCode) });
  const last = result === undefined ? lastLine(end.message ?? '') : '';
  return last === '' ? told : { reason: told.reason, message: `${told.message}; its last words: ${last}` };
}

/** The runner stopped because it was told to, or was ended by that before it could say a word. */
function wasToldToStop(end: ContainerEnd | undefined): boolean {
  return end?.exitCode === EXITS.resume.code || (end?.exitCode === EXITS.ended.code && resultOf(end) === undefined);
}

/** A container that should have ended before the runner starts, and failed: somebody else has put it into the pod. */
function initFailure({ status }: Pod): string | undefined {
  for (const { name, state } of status?.initContainerStatuses ?? []) {
    const { exitCode = 0, message = '' } = state?.terminated ?? {};
    const last = lastLine(message);
    if (exitCode !== 0)
      return `container ${name} ended with exit code ${exitCode}${last === '' ? '' : `; its last words: ${last}`}`;
  }
  return undefined;
}

/** What the cluster says took a pod away; a suspension, which only deletes pods, says nothing. */
export function takenBy({ status }: Pod): string | undefined {
  const target = status?.conditions?.find((c) => c.type === 'DisruptionTarget' && c.status === 'True');
  // Whatever is left of a pod of a lost node is cleared away so, also after a suspension.
  return target?.reason === 'DeletionByPodGC' ? undefined : target?.reason;
}

/**
 * Whether the cluster, and not the runner, ended a pod that failed. One rule where both speak, the Job's own
 * (`job/failure-policy.ts`): an exit code that says that another try cannot help counts first; then whatever the cluster did
 * to the pod before it ended; then the exit codes of a runner that was told to stop. Deleting a pod that had ended by itself changes
 * nothing of how it ended.
 */
function isDisruption(pod: Pod): boolean {
  const { status } = pod;
  if (isFinalExit(runnerEnd(pod)?.exitCode)) return false;
  if (conditionIs(status?.conditions, 'DisruptionTarget', 'True') || wasEndedByDeletion(pod)) return true;
  const reason = status?.reason ?? '';
  if (TAKEN_AWAY.has(reason) || reason.startsWith(OUT_OF_RESOURCE)) return true;
  const exitCode = runnerEnd(pod)?.exitCode;
  return exitCode !== undefined && STOPPED_EXITS.includes(exitCode);
}

/**
 * Whether a pod that is being deleted was ended by that. Told from how it ended, not from when: the end is dated by the node's clock, the
 * request by another. Whoever deletes a pod sends signals, so an exit of the runner's own is none of it; nor is running out of memory.
 */
function wasEndedByDeletion(pod: Pod): boolean {
  if (pod.metadata.deletionTimestamp === undefined) return false;
  const end = runnerEnd(pod);
  if (end === undefined) return true;
  if (end.reason === 'OOMKilled') return false;
  return (end.signal ?? 0) > 0 || end.exitCode > SIGNALLED;
}

function meaningOf(code: number): string {
  return Object.values(EXITS).find((exit) => exit.code === code)?.meaning ?? 'not one of its own codes';
}

function lastLine(text: string): string {
  return cut((text.trim().split('\n').at(-1) ?? '').trim(), 500);
}

/** A text of no more than so many characters, none of them cut in two. */
function cut(text: string, characters: number): string {
  const letters = text.length > characters ? [...text] : [];
  return letters.length > characters ? `${letters.slice(0, characters).join('')}…` : text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Reasons of a waiting container that say nothing but that the kubelet is at work. */
const AT_WORK = new Set(['ContainerCreating', 'PodInitializing', '']);

/**
 * Why a pod is not running yet, in the words of whoever holds it up: the scheduler, the kubelet about images and
 * container settings, or (`volumeTrouble`) its last event about volumes.
 */
export function whyPodWaits(pod: Pod, volumeTrouble: Why | undefined): Why {
  const unscheduled = pod.status?.conditions?.find((c) => c.type === 'PodScheduled' && c.status === 'False');
  if (unscheduled !== undefined) {
    return {
      reason: unscheduled.reason ?? 'Unschedulable',
      message: unscheduled.message ?? 'the scheduler gives no reason',
    };
  }
  const node = pod.spec?.nodeName;
  if (node === undefined) return why('WaitingForScheduler', { pod: pod.metadata.name });
  const waiting = runnerState(pod)?.waiting;
  if (waiting !== undefined && !AT_WORK.has(waiting.reason ?? '')) {
    return { reason: waiting.reason ?? '', message: waiting.message ?? 'the kubelet gives no reason' };
  }
  return initTrouble(pod) ?? volumeTrouble ?? why('ContainerCreating', { node, pod: pod.metadata.name });
}

/** What the kubelet says of a container that has to start before the runner, and cannot: somebody else has put it into the pod. */
function initTrouble({ status }: Pod): Why | undefined {
  for (const { name, state } of status?.initContainerStatuses ?? []) {
    const { reason = '', message = 'the kubelet gives no reason' } = state?.waiting ?? {};
    if (!AT_WORK.has(reason)) return { reason, message: `container ${name}: ${message}` };
  }
  return undefined;
}

/** An exit code that says that the same input cannot do better. */
function isFinalExit(exitCode: number | undefined): boolean {
  return Object.values(EXITS).some((exit) => exit.code === exitCode && !exit.retry && exit !== EXITS.success);
}

/** Fewer devices in the pod than it was promised: the spec is right where another node, or fewer GPUs, have them. */
export const TOO_FEW_DEVICES = 'E_DEVICE_COUNT';

/** Whether no other attempt can do better, by the exit code and what the runner said. */
export function isFinalEnd({ exitCode, reason }: Pick<Attempt, 'exitCode' | 'reason'>): boolean {
  return isFinalExit(exitCode) && reason !== TOO_FEW_DEVICES;
}
