import type { ConditionsSaid } from '../../api/conditions.ts';
import { defined } from '../../api/defined.ts';
import { why } from '../../api/reasons.ts';
import type { CheckpointStatus, VideoGenerationStatus } from '../../api/status.ts';
import { millisecondsOf, timeText } from '../../api/time.ts';
import { outputLocation } from '../../job/names.ts';
import { plausible } from '../attempts.ts';
import { saidBy } from '../marks.ts';
import { newestPod, podOf } from '../observed.ts';
import type { Context, Verdict } from '../verdict.ts';

/** The newest checkpoint that another attempt can go on from; that of the attempts before it, while a runner has not told of its own. */
export function checkpointOf({ observed, now }: Context, verdict: Verdict): Pick<VideoGenerationStatus, 'checkpoint'> {
  const before = observed.status?.checkpoint;
  const { resumedFrom, checkpoint } = saidBy(newestPod(observed)?.uid, observed);
  if (verdict.outcome === 'complete' && verdict.result?.film !== undefined)
    return shown(verdict.result.checkpoint, observed.spec, now);
  if (checkpoint !== undefined) return shown(checkpoint, observed.spec, now);
  // It began anew, so there was nothing to go on from.
  return resumedFrom?.iteration === 0 ? {} : defined({ checkpoint: before });
}

type Said = Parameters<typeof outputLocation>[0] | undefined;

function shown(
  told: ReturnType<typeof saidBy>['checkpoint'],
  spec: Said,
  now: number,
): { readonly checkpoint?: CheckpointStatus } {
  if (told === undefined) return {};
  const { iteration, time, bytes, location } = told;
  const found = spec === undefined ? location : outputLocation(spec, location);
  return { checkpoint: { iteration, time: timeText(millisecondsOf(plausible(time, now))), bytes, location: found } };
}

/** Condition `CheckpointFailing`: a runner at work cannot write its checkpoints. Nothing is said of one that always could. */
export function checkpointCondition({ observed }: Context, verdict: Verdict): ConditionsSaid {
  const pod = verdict.outcome === 'live' ? podOf(verdict.job) : undefined;
  const failure = pod?.state === 'running' ? observed.report?.checkpointFailure : undefined;
  if (failure !== undefined) {
    const last = observed.report?.checkpoint;
    const newest = last === undefined ? 'there is none yet' : `the newest is of ${last.time.slice(0, 19)}Z`;
    return { CheckpointFailing: { status: 'True', ...why('CheckpointNotWritten', { newest, detail: failure }) } };
  }
  const before = observed.status?.conditions?.some(({ type }) => type === 'CheckpointFailing') ?? false;
  return before ? { CheckpointFailing: { status: 'False', ...why('CheckpointsAreWritten') } } : {};
}
