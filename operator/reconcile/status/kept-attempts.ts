import type { Attempt, EarlierAttempts, OUTCOMES, VideoGenerationStatus } from '../../api/status.ts';
import { isEnded } from '../attempts.ts';
import { isFinal } from '../giving-up.ts';
import { boundedAttempt, jsonBytes } from './bounds.ts';

/** Room for the list of attempts; what decisions need is kept beyond it. */
const KEPT_BYTES = 7_000;

/** Suspensions have no end; pods of so long ago are gone. */
const MOST_IDENTITIES = 250;

type Kept = Pick<VideoGenerationStatus, 'attempts' | 'earlierAttempts'>;

/**
 * The newest attempts, whole, as many as there is room for; older ones are only counted. What a decision can depend on stays
 * in the list however old it is: attempts whose end is not known, the last one, the newest of each outcome, the newest that the film
 * is given up for, and the one that got furthest. A pod that is only counted is known again by a part of its identity, so that it never counts twice.
 */
export function keptAttempts(all: readonly Attempt[], earlier: EarlierAttempts | undefined): Kept {
  const bounded = all.map(boundedAttempt);
  const needed = neededOf(bounded);
  let left = KEPT_BYTES - [...needed].reduce((bytes, attempt) => bytes + jsonBytes(attempt) + 1, 0);
  const kept = bounded.toReversed().filter((attempt) => {
    if (needed.has(attempt)) return true;
    // What is older than one that had no room has none either.
    left = left < 0 ? left : left - jsonBytes(attempt) - 1;
    return left >= 0;
  });
  const listed = new Set(kept);
  const counted = countedOf(
    bounded.filter((attempt) => !listed.has(attempt)),
    earlier,
  );
  return {
    ...(kept.length === 0 ? {} : { attempts: kept.toReversed() }),
    ...(counted === undefined ? {} : { earlierAttempts: counted }),
  };
}

function neededOf(attempts: readonly Attempt[]): ReadonlySet<Attempt> {
  const newest = (of: (attempt: Attempt) => boolean) => attempts.filter(of).slice(-1);
  const furthest = Math.max(0, ...attempts.map(({ checkpointIteration = 0 }) => checkpointIteration));
  const outcomes: readonly (typeof OUTCOMES)[number][] = ['Succeeded', 'Failed', 'Disrupted'];
  return new Set([
    ...attempts.filter((attempt) => !isEnded(attempt)),
    ...outcomes.flatMap((wanted) => newest(({ outcome }) => outcome === wanted)),
    ...newest(isFinal),
    ...newest(() => true),
    ...newest(({ checkpointIteration = 0 }) => checkpointIteration > 0 && checkpointIteration === furthest),
  ]);
}

function countedOf(dropped: readonly Attempt[], earlier: EarlierAttempts | undefined): EarlierAttempts | undefined {
  if (dropped.length === 0) return earlier;
  const pods = dropped.flatMap(({ podUid }) => (podUid === undefined ? [] : [identityOf(podUid)]));
  return {
    count: (earlier?.count ?? 0) + dropped.length,
    number: Math.max(earlier?.number ?? 1, ...dropped.map(({ number }) => number)),
    pods: [...new Set([...(earlier?.pods ?? []), ...pods])].slice(-MOST_IDENTITIES),
  };
}

/** Whether the attempt of this pod is only counted. */
export function isCounted(podUid: string | undefined, earlier: EarlierAttempts | undefined): boolean {
  return podUid !== undefined && (earlier?.pods.includes(identityOf(podUid)) ?? false);
}

/** Enough of a random uid to tell a few hundred pods of one film apart. */
function identityOf(podUid: string): string {
  return podUid.slice(-8);
}
