import type { Attempt, Usage } from '../api/status.ts';
import { millisecondsOf } from '../api/time.ts';
import { byIdentity, freshEnds, identityOf } from './attempts.ts';
import { workedSeconds } from './deadlines.ts';
import { saidBy } from './marks.ts';
import type { Observed } from './observed.ts';
import type { Context, Verdict } from './verdict.ts';

/*
 * What a film has cost: GPUs times the seconds that its attempts' containers ran, and what of that is not in the film. An attempt is
 * reckoned when it has ended; what of it is lost, when a later one says where it goes on, which is after an iteration, and when the
 * checkpoint of that was written. Everything that was computed later than that is lost, also that of attempts which made none of
 * their own. Where no film comes of it, all is lost. Each attempt carries its own part, so none is added twice, and the sums only grow.
 */

/** The attempts with what each has cost and lost. */
export function accounted(attempts: readonly Attempt[], observed: Observed): readonly Attempt[] {
  const fresh = new Set(freshEnds(attempts, observed.status));
  const all = attempts.map((attempt) => (fresh.has(attempt) ? reckoned(attempt, observed) : attempt));
  const known = byIdentity(observed.status);
  return attempts.reduce<readonly Attempt[]>((sofar, attempt, at) => {
    const iteration = attempt.resumedFromIteration;
    if (iteration === undefined || known.get(identityOf(attempt))?.resumedFromIteration !== undefined) return sofar;
    const time = saidBy(attempt.podUid, observed).resumedFrom?.time;
    return [...withLosses(sofar.slice(0, at), { iteration, time }, observed), ...sofar.slice(at)];
  }, all);
}

function reckoned(attempt: Attempt, observed: Observed): Attempt {
  if (attempt.gpus === undefined) return attempt;
  return { ...attempt, gpuSeconds: attempt.gpus * workedSeconds(attempt, observed) };
}

/** Where an attempt goes on. */
interface Point {
  readonly iteration: number;
  readonly time: string | undefined;
}

/** By the clock of its node, which may be none of ours; what is written down is held between what other clocks tell. */
function startOf({ podUid, startTime }: Attempt, { jobs }: Observed): string | undefined {
  return jobs.flatMap(({ pods }) => pods).find(({ uid }) => uid === podUid)?.startTime ?? startTime;
}

/** What earlier attempts lose when one goes on after an iteration, with a checkpoint of that time; the newest one first. */
function withLosses(earlier: readonly Attempt[], point: Point, observed: Observed): readonly Attempt[] {
  const maker = earlier.findLastIndex((attempt) => hasMade(attempt, point, startOf(attempt, observed)));
  return earlier.map((attempt, at) => {
    if (at < maker || attempt.gpuSeconds === undefined) return attempt;
    const lost =
      at > maker ? attempt.gpuSeconds : attempt.gpuSeconds - keptSeconds(attempt, point, startOf(attempt, observed));
    return { ...attempt, lostGpuSeconds: Math.max(attempt.lostGpuSeconds ?? 0, lost) };
  });
}

/** Whether a checkpoint is an attempt's own, and not that which it went on from itself. */
function hasMade(
  { resumedFromIteration }: Attempt,
  { iteration, time }: Point,
  startTime: string | undefined,
): boolean {
  if (iteration === 0) return false;
  if (resumedFromIteration !== undefined) return iteration > resumedFromIteration;
  return time === undefined || (startTime !== undefined && millisecondsOf(startTime) <= millisecondsOf(time));
}

/** Until the checkpoint was written; both times are of the one clock of the attempt's node, as long as its pod is there. */
function keptSeconds({ gpus = 0, gpuSeconds = 0 }: Attempt, { time }: Point, startTime: string | undefined): number {
  if (time === undefined || startTime === undefined) return gpuSeconds;
  const seconds = Math.round((millisecondsOf(time) - millisecondsOf(startTime)) / 1000);
  return Math.min(gpuSeconds, Math.max(0, gpus * seconds));
}

/** What the film has cost by now; undefined where nothing is reckoned yet. */
export function usageOf({ observed: { status }, attempts }: Context, { outcome }: Verdict): Usage | undefined {
  const known = byIdentity(status);
  const grown = (of: (attempt: Attempt) => number | undefined) =>
    attempts.reduce((sum, attempt) => {
      const before = known.get(identityOf(attempt));
      return sum + Math.max(0, (of(attempt) ?? 0) - ((before && of(before)) ?? 0));
    }, 0);
  const gpuSeconds = (status?.usage?.gpuSeconds ?? 0) + grown((attempt) => attempt.gpuSeconds);
  const lost = (status?.usage?.lostGpuSeconds ?? 0) + grown((attempt) => attempt.lostGpuSeconds);
  if (gpuSeconds === 0) return status?.usage;
  return { gpuSeconds, lostGpuSeconds: outcome === 'failed' ? gpuSeconds : lost };
}
