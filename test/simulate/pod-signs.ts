import { EXITS, STOPPED_EXITS } from '#contract/exit.ts';
import type { Stored } from './stand-in-api-server.ts';
import { isTerminal } from './stand-in-controllers.ts';

/*
 * What a pod itself tells of what has become of it.
 */

const FINAL_CODES = new Set<number>(
  Object.values(EXITS)
    .filter(({ retry, code }) => !retry && code !== EXITS.success.code)
    .map(({ code }) => code),
);

/** How its runner's container has ended. */
export function terminated(pod: Stored) {
  return pod.status?.containerStatuses?.[0]?.state?.terminated;
}

/** What its runner has left, and what that says of other tries. */
export function endOf(pod: Stored): { sha256?: string; well: boolean; final: boolean } {
  const { exitCode, message } = terminated(pod) ?? {};
  const final = FINAL_CODES.has(exitCode);
  const well = exitCode === 0;
  if (!well || message === undefined) return { final, well };
  return { final, well, sha256: JSON.parse(message).film.sha256 };
}

/** The runner has ended, and a container that somebody else has put there goes on. */
export function lingers(pod: Stored): boolean {
  return !isTerminal(pod) && terminated(pod) !== undefined && pod.status.containerStatuses.length > 1;
}

/** When its runner started, by its node's clock. */
export function startOf({ status }: Stored): string | undefined {
  return status?.containerStatuses?.[0]?.state?.running?.startedAt;
}

/** Whether a clock that tells a time now is wrong. */
export function isFar(time: string | undefined, now: number): boolean {
  return Math.abs(Date.parse(time ?? '') - now) > 5_000;
}

/** Somebody has deleted it. */
export function isLeaving(pod: Stored | undefined): boolean {
  return pod?.metadata.deletionTimestamp !== undefined || pod === undefined;
}

/** It is being deleted from now on, and nobody else had a hand in it before. */
export function isTakenAway(before: Stored, after: Stored | undefined): boolean {
  return !isLeaving(before) && isLeaving(after) && !isEvicted(before);
}

/** Its runner had ended as one ends that somebody else has told to. */
export function wasToldToStop(pod: Stored): boolean {
  return STOPPED_EXITS.includes(terminated(pod)?.exitCode);
}

/** Somebody has evicted it, or preempted it. */
export function isEvicted({ status }: Stored): boolean {
  return (status?.conditions ?? []).some(({ type }: { type: string }) => type === 'DisruptionTarget');
}
