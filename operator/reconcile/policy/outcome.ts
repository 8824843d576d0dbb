import { EXITS } from '#contract/exit.ts';
import { type Result, resultSchema } from '#contract/result.ts';
import { type ContainerEnd, conditionIs, type Pod } from '../../api/kubernetes.ts';
import { RUNNER_CONTAINER } from '../../api/labels.ts';
import { type Why, why } from '../../api/reasons.ts';
import type { PodState } from '../observed.ts';

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

/** How the runner of a pod ended, if it did. */
export function runnerEnd(pod: Pod): ContainerEnd | undefined {
  return pod.status?.containerStatuses?.find((c) => c.name === RUNNER_CONTAINER)?.state?.terminated;
}

/** Where a pod stands. It has ended only when its phase says so: then its GPUs are free. */
export function podState(pod: Pod): PodState {
  const phase = pod.status?.phase;
  if (phase === 'Succeeded') return 'succeeded';
  if (phase === 'Failed') return isDisruption(pod) ? 'disrupted' : 'failed';
  const state = pod.status?.containerStatuses?.find((c) => c.name === RUNNER_CONTAINER)?.state;
  return state?.running !== undefined || state?.terminated !== undefined ? 'running' : 'waiting';
}

/** The record that the runner left as its termination message. */
export function resultOf(end: ContainerEnd | undefined): Result | undefined {
  const parsed = resultSchema.safeParse(parseJson(end?.message ?? ''));
  return parsed.success ? parsed.data : undefined;
}

/** Every attempt's message stays in the status. */
const MESSAGE_CHARACTERS = 1000;

/** Why a pod failed or was taken away: the runner's own error if it left one, else what Kubernetes says. */
export function failureWhy(pod: Pod): Why {
  const { reason, message } = wholeWhy(pod);
  return {
    reason,
    message: message.length > MESSAGE_CHARACTERS ? `${message.slice(0, MESSAGE_CHARACTERS)}…` : message,
  };
}

function wholeWhy(pod: Pod): Why {
  const end = runnerEnd(pod);
  const { status, metadata } = pod;
  const error = resultOf(end)?.error;
  if (error !== undefined) return { reason: error.code, message: error.message };
  if (conditionIs(status?.conditions, 'DisruptionTarget', 'True')) {
    const target = status?.conditions?.find((c) => c.type === 'DisruptionTarget');
    return {
      reason: target?.reason ?? 'DisruptionTarget',
      message: target?.message ?? 'the cluster took the pod away',
    };
  }
  if (end === undefined || status?.reason !== undefined) {
    const detail = status?.message ?? status?.reason ?? 'no reason given';
    return { reason: status?.reason ?? 'PodFailed', message: why('PodFailed', { pod: metadata.name, detail }).message };
  }
  if (end.reason === 'OOMKilled') return why('OutOfMemory');
  if (end.exitCode === EXITS.resume.code) return why('RunnerStopped');
  if (end.signal !== undefined && end.signal > 0) return why('Killed', { signal: end.signal });
  const told = why('RunnerFailed', { exit: end.exitCode, meaning: meaningOf(end.exitCode) });
  const last = resultOf(end) === undefined ? lastLine(end.message ?? '') : '';
  return last === '' ? told : { reason: told.reason, message: `${told.message}; its last words: ${last}` };
}

function isDisruption(pod: Pod): boolean {
  const { status, metadata } = pod;
  if (conditionIs(status?.conditions, 'DisruptionTarget', 'True') || metadata.deletionTimestamp !== undefined)
    return true;
  const reason = status?.reason ?? '';
  return TAKEN_AWAY.has(reason) || reason.startsWith(OUT_OF_RESOURCE) || runnerEnd(pod)?.exitCode === EXITS.resume.code;
}

function meaningOf(code: number): string {
  return Object.values(EXITS).find((exit) => exit.code === code)?.meaning ?? 'not one of its own codes';
}

function lastLine(text: string): string {
  return (text.trim().split('\n').at(-1) ?? '').trim().slice(0, 500);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
