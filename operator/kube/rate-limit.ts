/** How long a key waits after its next failure. */
export interface KeyBackoff {
  next(key: string): number;
  forget(key: string): void;
}

export interface BackoffLimits {
  readonly firstMs: number;
  readonly longestMs: number;
  /** Failures of all keys together: so many a second … */
  readonly perSecond: number;
  /** … after so many at once. */
  readonly burst: number;
}

/** client-go's figures, but five minutes instead of seventeen at most. */
export const BACKOFF_LIMITS: BackoffLimits = { firstMs: 5, longestMs: 300_000, perSecond: 10, burst: 100 };

/** Doubles a key's delay with each failure, and spreads the failures of all keys; the longer of the two waits counts. */
export function createBackoff(
  limits: BackoffLimits = BACKOFF_LIMITS,
  nowMs: () => number = () => performance.now(),
): KeyBackoff {
  const failures = new Map<string, number>();
  const bucket = createBucket(limits.perSecond, limits.burst, nowMs);
  return {
    next(key) {
      const before = failures.get(key) ?? 0;
      failures.set(key, before + 1);
      return Math.max(Math.min(limits.longestMs, limits.firstMs * 2 ** before), bucket.reserve());
    },
    forget(key) {
      failures.delete(key);
    },
  };
}

/** A bucket of tokens that fills at a steady rate. */
export interface Bucket {
  /** Takes a token, also one that is not there yet; gives the time until it will be. */
  reserve(): number;
  /** Takes a token if there is one. */
  take(): boolean;
}

export function createBucket(perSecond: number, burst: number, nowMs: () => number): Bucket {
  let tokens = burst;
  let at = nowMs();
  const refill = () => {
    const now = nowMs();
    tokens = Math.min(burst, tokens + (Math.max(0, now - at) / 1000) * perSecond);
    at = now;
  };
  return {
    reserve() {
      refill();
      tokens -= 1;
      return tokens >= 0 ? 0 : (-tokens / perSecond) * 1000;
    },
    take() {
      refill();
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
