/** The time of the API server, as its answers tell it: what it stores is dated by it, whatever the clock of this machine says. */
export interface ServerClock {
  /** Takes the `Date` of an answer, with the moments of `performance.now()` between which it was written. */
  heard(date: unknown, sentAt: number, receivedAt: number): void;
  /** Milliseconds since 1970 by the API server; by this machine as long as no answer has told. */
  now(): number;
}

interface Clocks {
  /** Never set, never stands still. */
  readonly steadyMs: () => number;
  readonly wallMs: () => number;
}

/** The median of so many answers counts: one that comes late, or of a server whose clock is off, moves nothing. */
const ANSWERS = 9;
/** An answer that took longer tells too little. */
const SLOW_MS = 2_000;
/** `Date` has whole seconds, cut off. */
const HALF_SECOND_MS = 500;
/** Answers differ by less: going back by that is no news. A clock that was set back by more is followed. */
const JITTER_MS = 3_000;

/** A clock that knows nothing yet. */
export function createServerClock(clocks: Partial<Clocks> = {}): ServerClock {
  const { steadyMs = () => performance.now(), wallMs = Date.now } = clocks;
  const offsets: number[] = [];
  let latest = Number.NEGATIVE_INFINITY;
  return {
    heard(date, sentAt, receivedAt) {
      const told = typeof date === 'string' ? Date.parse(date) : Number.NaN;
      if (Number.isNaN(told) || receivedAt - sentAt > SLOW_MS) return;
      offsets.push(told + HALF_SECOND_MS - (sentAt + receivedAt) / 2);
      if (offsets.length > ANSWERS) offsets.shift();
    },
    now() {
      const offset = median(offsets);
      const time = offset === undefined ? wallMs() : steadyMs() + offset;
      const isJitter = time < latest && latest - time < JITTER_MS;
      latest = isJitter ? latest : time;
      return Math.round(latest);
    },
  };
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
