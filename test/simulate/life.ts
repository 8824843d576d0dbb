import { secondsOf } from '#contract/duration.ts';
import type { Dice } from '../faults/dice.ts';
import type { Stored } from './stand-in-api-server.ts';

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

/** The operator ends by itself what hangs of a film whose limits say so; a person looks after everything else. */
export function isLookedAfter(film: Stored | undefined, limits: readonly Limit[]): boolean {
  return film !== undefined && limits.some((limit) => limitsOf(film)[limit] !== undefined);
}
