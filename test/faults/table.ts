/** One thing that must hold, repeated: how often, what was seen, and what went wrong. */
export interface FaultLine {
  readonly what: string;
  readonly done: number;
  readonly seen: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
  /** More figures in words, for instance times. */
  readonly figures?: string;
}

/** Counts what was seen. */
export function counter() {
  const seen: Record<string, number> = {};
  const add = (key: string) => {
    seen[key] = (seen[key] ?? 0) + 1;
  };
  return { seen, add };
}

const FAILURES_SHOWN = 10;

/** A line of the table, with the first failures below it. */
export function describeLine({ what, done, seen, failures, figures }: FaultLine): readonly string[] {
  const verdict = failures.length === 0 ? 'ok  ' : 'FAIL';
  const counts = Object.entries(seen)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([key, count]) => `${key} ${count}`);
  const more = failures.length - FAILURES_SHOWN;
  return [
    `${verdict} ${what}: ${done} done, ${failures.length} wrong`,
    `       ${counts.join(', ')}`,
    ...(figures === undefined ? [] : [`       ${figures}`]),
    ...failures.slice(0, FAILURES_SHOWN).map((failure) => `       ! ${failure}`),
    ...(more > 0 ? [`       ! and ${more} more`] : []),
  ];
}

/** Middle, late and last of some times in milliseconds, as a phrase. */
export function describeTimes(name: string, milliseconds: readonly number[]): string {
  if (milliseconds.length === 0) return `${name}: none`;
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!);
  return `${name}: median ${at(0.5)} ms, 95 % ${at(0.95)} ms, longest ${at(1)} ms`;
}
