import { conditionIs } from '../api/kubernetes.ts';
import type { Attempt, Usage, VideoGenerationStatus } from '../api/status.ts';
import { millisecondsOf } from '../api/time.ts';
import { workedSeconds } from './active-time.ts';
import { byIdentity, freshEnds, identityOf, isEnded } from './attempts.ts';
import { saidBy } from './marks.ts';
import type { Observed } from './observed.ts';
import type { Context, Verdict } from './verdict.ts';

/*
 * What a film has cost: GPUs times the seconds that its attempts' containers ran, and what of that is not in the film. An attempt is
 * reckoned when it has ended; what of it is lost, when a later one says where it goes on, which is after an iteration, and when the
 * checkpoint of that was written. Everything that was computed later than that is lost, also that of attempts which made none of
 * their own; what was lost to one that began anew is not, if a later one goes on from before it after all. Where no film comes of it, all is
 * lost. Each attempt carries its own part, so none is added twice: the sums go as those of the attempts go, also of those that are only counted.
 */

/** The attempts with what each has cost and lost. */
export function accounted(attempts: readonly Attempt[], observed: Observed): readonly Attempt[] {
  const fresh = new Set(freshEnds(attempts, observed.status));
  const all = attempts.map((attempt) => (fresh.has(attempt) ? reckoned(attempt, observed) : attempt));
  const known = byIdentity(observed.status);
  return attempts.reduce<readonly Attempt[]>((sofar, attempt, at) => {
    const iteration = attempt.resumedFromIteration;
    if (iteration === undefined || known.get(identityOf(attempt))?.resumedFromIteration === iteration) return sofar;
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

/** What earlier attempts lose when one goes on after an iteration, with a checkpoint of that time. */
function withLosses(earlier: readonly Attempt[], point: Point, observed: Observed): readonly Attempt[] {
  const maker = makerOf(earlier, point, observed);
  const told = earlier.map((attempt, at) => (at < maker ? attempt : withLoss(attempt, point, observed, at === maker)));
  return maker < 0 ? told : [...revived(told.slice(0, maker), told[maker]!, observed), ...told.slice(maker)];
}

function withLoss(attempt: Attempt, point: Point, observed: Observed, isMaker: boolean): Attempt {
  if (attempt.gpuSeconds === undefined) return attempt;
  const kept = isMaker ? keptSeconds(attempt, point, startOf(attempt, observed)) : 0;
  return { ...attempt, lostGpuSeconds: attempt.gpuSeconds - kept };
}

/**
 * What an attempt has gone on from is in the film again with what it made, though one in between began anew, which lost all of it. Where
 * nobody can say any more when that checkpoint was written, as little is lost as can be.
 */
function revived(earlier: readonly Attempt[], next: Attempt, observed: Observed): readonly Attempt[] {
  const iteration = next.resumedFromIteration;
  if (iteration === undefined) return earlier;
  const point = { iteration, time: saidBy(next.podUid, observed).resumedFrom?.time };
  const maker = makerOf(earlier, point, observed);
  const found = earlier[maker];
  if (found === undefined) return earlier;
  const isLost = found.lostGpuSeconds === found.gpuSeconds;
  const again = isLost ? withLoss(found, point, observed, true) : found;
  return [...revived(earlier.slice(0, maker), found, observed), again, ...earlier.slice(maker + 1)];
}

/**
 * Which attempt has made a checkpoint: the newest that can have. One that began anew with another stride makes such iterations again, which nobody
 * may have heard of: what it had not begun by then is not its own, nor what it cannot have written after its end, as far as clocks agree.
 */
function makerOf(earlier: readonly Attempt[], point: Point, observed: Observed): number {
  const start = (attempt: Attempt) => startOf(attempt, observed);
  const sure = earlier.findLastIndex(
    (attempt) => hasMade(attempt, point, start(attempt)) && wasAtWork(attempt, point, start(attempt)),
  );
  return sure >= 0 ? sure : earlier.findLastIndex((attempt) => hasMade(attempt, point, start(attempt)));
}

/** Whether a checkpoint can be an attempt's own, and not that which it went on from itself. */
function hasMade(
  { resumedFromIteration }: Attempt,
  { iteration, time }: Point,
  startTime: string | undefined,
): boolean {
  if (iteration === 0) return false;
  if (resumedFromIteration !== undefined) return iteration > resumedFromIteration;
  return time === undefined || (startTime !== undefined && millisecondsOf(startTime) <= millisecondsOf(time));
}

/** Whether it had begun when the checkpoint was written, and not ended; ends are told in whole seconds. */
function wasAtWork({ endTime }: Attempt, { time }: Point, startTime: string | undefined): boolean {
  if (time === undefined) return true;
  if (startTime === undefined || millisecondsOf(startTime) > millisecondsOf(time)) return false;
  return endTime === undefined || millisecondsOf(time) < millisecondsOf(endTime) + 1000;
}

/** Until the checkpoint was written; both times are of the one clock of the attempt's node, as long as its pod is there. */
function keptSeconds({ gpus = 0, gpuSeconds = 0 }: Attempt, { time }: Point, startTime: string | undefined): number {
  if (time === undefined || startTime === undefined) return gpuSeconds;
  const seconds = Math.round((millisecondsOf(time) - millisecondsOf(startTime)) / 1000);
  return Math.min(gpuSeconds, Math.max(0, gpus * seconds));
}

/** The attempts as a verdict leaves them: of a film that failed, nothing is kept. */
export function lostWith(attempts: readonly Attempt[], { outcome }: Verdict): readonly Attempt[] {
  return outcome === 'failed' ? attempts.map(allLost) : attempts;
}

function allLost(attempt: Attempt): Attempt {
  const { gpuSeconds } = attempt;
  return gpuSeconds === undefined ? attempt : { ...attempt, lostGpuSeconds: gpuSeconds };
}

/**
 * The attempts of a film that is over, as they are listed: those that were still at work then are closed when their pods have ended. What they
 * made is in no film, unless it is the film's: one of which nobody has seen that it succeeded.
 */
export function closedLate({ observed: { status }, attempts }: Context): readonly Attempt[] {
  const listed = status?.attempts ?? [];
  const ended = new Map(attempts.filter(isEnded).map((attempt) => [identityOf(attempt), attempt]));
  return listed.map((attempt) => {
    const found = isEnded(attempt) ? undefined : ended.get(identityOf(attempt));
    if (found === undefined) return attempt;
    return isOfNoUse(status) ? allLost(found) : found;
  });
}

function isOfNoUse(status: VideoGenerationStatus | undefined): boolean {
  const made = status?.attempts?.some(({ outcome }) => outcome === 'Succeeded') ?? false;
  return made || conditionIs(status?.conditions, 'Failed', 'True');
}

/** What the film has cost by now; undefined where nothing is reckoned yet. */
export function usageOf({ observed: { status }, attempts }: Context, { outcome }: Verdict): Usage | undefined {
  const known = byIdentity(status);
  const grown = (of: (attempt: Attempt) => number | undefined) =>
    attempts.reduce((sum, attempt) => {
      const before = known.get(identityOf(attempt));
      return sum + (of(attempt) ?? 0) - ((before && of(before)) ?? 0);
    }, 0);
  const gpuSeconds = (status?.usage?.gpuSeconds ?? 0) + grown((attempt) => attempt.gpuSeconds);
  const lost = (status?.usage?.lostGpuSeconds ?? 0) + grown((attempt) => attempt.lostGpuSeconds);
  if (gpuSeconds === 0) return status?.usage;
  return { gpuSeconds, lostGpuSeconds: outcome === 'failed' ? gpuSeconds : Math.min(gpuSeconds, Math.max(0, lost)) };
}
