import type { Failure } from './failure.ts';

/** Remembers which requests the API server asked not to repeat for a while (`Retry-After`). */
export interface HoldOff {
  /** Milliseconds before this request may be sent; 0 if it may be sent now. */
  leftMs(request: string): number;
  /** Takes down what an answer asked for. */
  note(request: string, failure: Failure): void;
}

const REMEMBERED = 1024;

/** Makes an empty memory; a request is its method and path, since the words of a query do not make it another one. */
export function createHoldOff(nowMs: () => number = () => performance.now()): HoldOff {
  const until = new Map<string, number>();
  return {
    leftMs(request) {
      const left = (until.get(request) ?? 0) - nowMs();
      if (left > 0) return left;
      until.delete(request);
      return 0;
    },
    note(request, { retryAfterMs }) {
      if (retryAfterMs === undefined) return;
      until.delete(request);
      const [oldest] = until.keys();
      if (until.size >= REMEMBERED && oldest !== undefined) until.delete(oldest);
      until.set(request, nowMs() + retryAfterMs);
    },
  };
}
