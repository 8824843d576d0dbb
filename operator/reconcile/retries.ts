import { type Why, why } from '../api/reasons.ts';
import type { Attempt } from '../api/status.ts';
import { countersOf, endingOf, freshEnds } from './attempts.ts';
import type { Context } from './verdict.ts';

/** An end that comes so often at the same iteration, in the same way, comes again. */
const SAME_ENDS = 3;

/**
 * Failures that do not count any more: the film has got further since, or by the very attempt that failed. Further than any attempt
 * before, by the iteration that its newest checkpoint was made after; so they are forgotten no more often than a film has iterations.
 */
export function forgottenFailures({ observed: { status }, attempts }: Pick<Context, 'observed' | 'attempts'>): number {
  const fresh = new Set(freshEnds(attempts, status));
  const { failures } = countersOf(attempts, status);
  let counted = failures - [...fresh].filter(({ outcome }) => outcome === 'Failed').length;
  let forgotten = status?.forgottenFailures ?? 0;
  let furthest = 0;
  for (const attempt of attempts) {
    if (fresh.has(attempt) && attempt.outcome === 'Failed') counted += 1;
    const reached = attempt.checkpointIteration ?? 0;
    if (fresh.has(attempt) && reached > furthest) forgotten = Math.max(forgotten, counted);
    furthest = Math.max(furthest, reached);
  }
  return Math.min(forgotten, failures);
}

/** Failures that count: those since the film last got further. */
export function countedFailures(context: Pick<Context, 'observed' | 'attempts'>): number {
  return countersOf(context.attempts, context.observed.status).failures - forgottenFailures(context);
}

const USED_UP = ['FailuresExhausted', 'DisruptionsExhausted', 'FailsAtSameIteration'];

/** Whether an attempt is ended because no other may start after the one before it. */
export function isUsedUp(reason = ''): boolean {
  return USED_UP.includes(reason);
}

/** Why no other attempt may start, if that is so. */
export function overspent(context: Context): Why | undefined {
  const { observed, attempts } = context;
  const same = sameEnds(attempts);
  if (same !== undefined) return same;
  const retries = observed.spec?.retries ?? { failures: Infinity, disruptions: Infinity };
  const { disruptions } = countersOf(attempts, observed.status);
  const failures = countedFailures(context);
  if (failures > retries.failures) {
    const last = attempts.findLast((attempt) => attempt.outcome === 'Failed');
    const values = { found: failures, limit: retries.failures, why: last === undefined ? '' : endingOf(last) };
    return why('FailuresExhausted', values);
  }
  const values = { found: disruptions, limit: retries.disruptions };
  return disruptions > retries.disruptions ? why('DisruptionsExhausted', values) : undefined;
}

/** The last failures are one and the same: another try on as many GPUs fails there again. */
function sameEnds(attempts: readonly Attempt[]): Why | undefined {
  const failed = attempts.filter(({ outcome }) => outcome === 'Failed').slice(-SAME_ENDS);
  const [first] = failed;
  const last = failed.at(-1);
  if (first?.iteration === undefined || last === undefined || failed.length < SAME_ENDS) return undefined;
  const isSame = ({ iteration, reason, exitCode, gpus }: Attempt) =>
    iteration === first.iteration && reason === first.reason && exitCode === first.exitCode && gpus === first.gpus;
  if (!failed.every(isSame)) return undefined;
  const values = { times: SAME_ENDS, iteration: first.iteration, code: first.reason ?? '', why: endingOf(last) };
  return why('FailsAtSameIteration', values);
}
