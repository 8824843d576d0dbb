import { isDeepStrictEqual } from 'node:util';
import { defined } from '../api/defined.ts';
import type { VideoGenerationStatus } from '../api/status.ts';
import { wellFormed } from '../kube/json-text.ts';
import type { Decision } from './decide.ts';
import { type Observed, writtenProgress } from './observed.ts';
import { type WriteContext, write, writeOrMeet } from './write-status.ts';

/**
 * Writes down that an attempt is about to start, on the version of the resource that it starts from: this fixes what the
 * film is made from, and refuses whoever decided from an older version. Gives the observation with what is stored now,
 * to which everything after it belongs; undefined if the resource is not what it was, so that nothing may be done.
 */
export async function claim(
  { verdict, status, context, actions }: Decision,
  options: WriteContext,
): Promise<Observed | undefined> {
  const { observed } = context;
  if (isTakingAway(verdict, actions)) return told(observed, status, options);
  if (verdict.outcome !== 'start' || status === undefined) return observed;
  const before = observed.status;
  const known = before?.claim;
  const same = known?.attempt === status.claim?.attempt && known?.generation === status.claim?.generation;
  if (same && known?.specHash === status.claim?.specHash && before?.startTime !== undefined) return observed;
  const next: VideoGenerationStatus = before === undefined ? status : { ...keptOf(before, status), ...fixedBy(status) };
  const version = await write(observed, next, options);
  return version === undefined ? undefined : { ...observed, resource: { ...observed.resource, version }, status: next };
}

/** All that was written down, but for progress of a pod that is the last one no more. */
function keptOf(before: VideoGenerationStatus, { attempts }: VideoGenerationStatus): VideoGenerationStatus {
  const { progress: _told, ...rest } = before;
  return { ...rest, ...defined({ progress: writtenProgress(attempts?.at(-1)?.podUid, before) }) };
}

/**
 * What the claim of a next attempt writes beside it: the ends that led to it. Once a later attempt is claimed, an end that is not written down counts
 * for nothing any more.
 */
function fixedBy(status: VideoGenerationStatus): Partial<VideoGenerationStatus> {
  const { claim: claimed, startTime, attempts, earlierAttempts, failures, disruptions, activeSeconds } = status;
  const { forgottenFailures, usage } = status;
  const counted = { failures, forgottenFailures, disruptions, activeSeconds, usage };
  return defined({ claim: claimed, startTime, attempts, earlierAttempts, ...counted });
}

/**
 * An attempt, or what is left of its pod, is about to be taken away: why, or how it has ended, has to stand in it before, or its end will be told
 * as somebody else's doing.
 */
function isTakingAway({ outcome }: Decision['verdict'], actions: Decision['actions']): boolean {
  if (outcome === 'held' || outcome === 'live') return actions.some(({ type }) => type === 'delete-pod');
  return (outcome === 'suspended' || outcome === 'ending') && actions.length > 0;
}

async function told(
  observed: Observed,
  status: VideoGenerationStatus | undefined,
  options: WriteContext,
): Promise<Observed | undefined> {
  const next = status === undefined ? undefined : wellFormed(status);
  if (next === undefined || isDeepStrictEqual(next, observed.status)) return observed;
  // Not so for a start: who else has claimed the same must not be taken for this one. To take away twice is to take away once.
  const met = await writeOrMeet(observed, next, options);
  if (met.outcome !== 'written') return undefined;
  return { ...observed, resource: { ...observed.resource, version: met.version }, status: next };
}
