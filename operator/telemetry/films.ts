import type { Told } from './metrics.ts';

/** What is counted of a film. */
export interface CountedFilm {
  readonly phase: string;
  readonly reason: string | undefined;
}

/** A word that people or clusters made up may be anything, and each makes a series of its own. */
const WORD = /^[A-Za-z][A-Za-z0-9_]{0,62}$/;
const MOST_REASONS = 64;
const OTHER = 'Other';

/** Films by phase and by why they wait or failed. Of too many reasons, and of what is no word, the rest are one. */
export function filmsByState(films: Iterable<CountedFilm>): readonly Told[] {
  const counts = new Map<string, Told & { value: number }>();
  const reasons = new Set<string>();
  for (const { phase, reason: told = '' } of films) {
    const known = told === '' || reasons.has(told) || (WORD.test(told) && reasons.size < MOST_REASONS);
    const reason = known ? told : OTHER;
    if (reason !== '' && reason !== OTHER) reasons.add(reason);
    const key = `${phase} ${reason}`;
    const found = counts.get(key) ?? { labels: { phase, reason }, value: 0 };
    counts.set(key, { ...found, value: found.value + 1 });
  }
  return [...counts.values()];
}

/** Adds up what is held over time: so many for so long since it was last asked. */
export function createHeldSeconds(held: () => number, nowMs: () => number): () => number {
  let at = nowMs();
  return () => {
    const now = nowMs();
    const seconds = (held() * Math.max(0, now - at)) / 1000;
    at = now;
    return seconds;
  };
}
