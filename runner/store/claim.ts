/**
 * Claims on a place, as files `running-1.json`, `running-2.json`, …: the highest number holds the place. A claim of a run that
 * is dead is not replaced but outnumbered, so that taking over needs nothing of a store but "create, unless it is there". Pure.
 */

import type { ProcessName, Sight } from './owner.ts';

/** Who holds a place, and for what. */
export interface Claim extends ProcessName {
  /** Name of the writer, and of all that it has not finished. */
  readonly attempt: string;
  readonly film: string;
  readonly startedAt: string;
  /** What the film is made of. */
  readonly of: unknown;
  /** The run has ended and left what it could not finish. */
  readonly ended?: boolean;
}

/** A run writes its claim anew this often, while it lives. */
export const BEAT_SECONDS = 10;
/** After so long without a sign of life, a run that cannot be seen from here counts as dead. */
export const DEAD_SECONDS = 120;

const CLAIM_NAME = /^running-([1-9]\d{0,8})\.json$/;

export const claimName = (number: number) => `running-${number}.json`;

/** Number of a claim's file; undefined for other names. */
export function claimNumber(name: string): number | undefined {
  const digits = CLAIM_NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** A claim from its file: undefined for text that is none. Its attempt is checked, since files are removed by that name. */
export function parseClaim(text: string): Claim | undefined {
  try {
    const claim = JSON.parse(text) as Claim;
    const { host, place, began, film, startedAt, attempt, pid } = claim;
    const texts = [host, place, began, film, startedAt, attempt];
    const isClaim = texts.every((value) => typeof value === 'string') && Number.isInteger(pid) && pid > 0;
    return isClaim && /^[0-9a-f]{16}$/.test(attempt) ? claim : undefined;
  } catch {
    return undefined;
  }
}

/** A claim of ours that was never written to its end: empty, cut off, or there in length only, as a loss of power leaves it. */
export function isTorn(text: string): boolean {
  return text === '' || text.includes('\0') || (text.startsWith('{"host":') && !text.endsWith('\n'));
}

/**
 * What to do about a claim that is `age` seconds old, and was `before` seconds old when last looked at: `wait` where only time
 * can tell.
 */
export function judgeClaim(ended: boolean, sight: Sight, age: number, before?: number): 'held' | 'free' | 'wait' {
  if (ended || sight === 'dead') return 'free';
  const hasBeaten = before !== undefined && age < before;
  if (sight === 'alive' || hasBeaten) return 'held';
  return age > DEAD_SECONDS ? 'free' : 'wait';
}

/** The holder in words. */
export function describeOwner({ host, pid, startedAt, film }: Claim): string {
  return `process ${pid} on ${host} (film '${film}', since ${startedAt})`;
}
