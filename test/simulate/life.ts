import { secondsOf } from '#contract/duration.ts';
import type { VideoGenerationStatus } from '../../operator/api/status.ts';
import type { Dice } from '../faults/dice.ts';
import type { Stored } from './stand-in-api-server.ts';

/** What stands in an attempt at work with which its film ends. */
const GIVEN_UP: readonly string[] = ['GivenUp', 'FailuresExhausted', 'DisruptionsExhausted', 'FailsAtSameIteration'];

/** Stretches of time that a film's spec can set, by name. */
const LIMITS = ['start', 'elastic', 'stall', 'active', 'lostNode', 'ttl', 'jobTtl'] as const;
export type Limit = (typeof LIMITS)[number];
/** Seconds; what is not set is missing. */
export type Limits = Readonly<Partial<Record<Limit, number>>>;

/** Some deadlines, and some times after the end: often none. */
export function someLife(dice: Dice): Readonly<Record<string, unknown>> {
  const some = (name: string, values: readonly string[]) => (dice.share() < 0.3 ? { [name]: dice.pick(values) } : {});
  return {
    deadlines: {
      ...some('start', ['5s', '20s', '60s', '5m']),
      ...some('stall', ['20s', '60s', '5m']),
      ...some('active', ['30s', '2m', '10m']),
      ...some('lostNode', ['10s', '1m']),
    },
    ...some('ttlAfterFinished', ['0s', '30s', '10m']),
    ...some('jobTtlAfterFinished', ['0s', '30s', '10m']),
  };
}

/** What the spec of a film sets. */
export function limitsOf({ spec }: Stored): Limits {
  const texts: Readonly<Record<string, string | undefined>> = {
    ...spec.deadlines,
    ttl: spec.ttlAfterFinished,
    jobTtl: spec.jobTtlAfterFinished,
  };
  const given = LIMITS.flatMap((name) => (texts[name] === undefined ? [] : [[name, secondsOf(texts[name])] as const]));
  return Object.fromEntries(given);
}

/**
 * The operator ends by itself what hangs of a film whose limits say so, or which it has given up; a person looks after everything else. A node
 * that is lost ends nothing, unless the limits say so.
 */
export function isLookedAfter(film: Stored | undefined, { metadata }: Stored, limits: readonly Limit[]): boolean {
  if (film === undefined) return false;
  const status: VideoGenerationStatus | undefined = film.status;
  const own = status?.attempts?.find(({ podUid }) => podUid === metadata.uid);
  const isToGo = GIVEN_UP.includes(own?.reason ?? '') && metadata.deletionTimestamp === undefined;
  return isToGo || limits.some((limit) => limitsOf(film)[limit] !== undefined);
}
