/** A clock that stands still until it is told to go on, and what is to happen at its moments. */
export interface VirtualTime {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `run` after a delay, in the order of the moments; gives what calls it off. */
  after(delayMs: number, run: () => void): () => void;
  sleep(delayMs: number): Promise<void>;
  /** Lets everything happen that is due until `end`; false if it is more than `limit` things. */
  runUntil(end: number, limit: number): Promise<boolean>;
}

interface Moment {
  readonly at: number;
  readonly run: () => void;
  off: boolean;
}

/** Makes a clock that starts at `startMs`. Between two moments every promise that can settle does. */
export function createVirtualTime(startMs: number): VirtualTime {
  let now = startMs;
  /** The next moment is the last. */
  const moments: Moment[] = [];
  const after = (delayMs: number, run: () => void) => {
    const moment: Moment = { at: now + Math.max(0, delayMs), run, off: false };
    moments.splice(placeOf(moment.at, moments), 0, moment);
    return () => {
      moment.off = true;
    };
  };
  return {
    now: () => now,
    after,
    sleep: (delayMs) => new Promise((resolve) => after(delayMs, resolve)),
    async runUntil(end, limit) {
      for (let done = 0; done < limit; ) {
        const next = moments.at(-1);
        if (next === undefined || next.at > end) {
          now = end;
          return true;
        }
        moments.pop();
        if (next.off) continue;
        done += 1;
        now = next.at;
        next.run();
        await new Promise((resolve) => setImmediate(resolve));
      }
      return false;
    },
  };
}

/** Where a moment belongs: before all that come sooner, and before those of the same time that were asked for sooner. */
function placeOf(at: number, moments: readonly Moment[]): number {
  let low = 0;
  let high = moments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (moments[middle]!.at > at) low = middle + 1;
    else high = middle;
  }
  return low;
}
