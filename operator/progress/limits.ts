import { type Bucket, createBucket } from '../kube/rate-limit.ts';

/** So much of something for each of many senders, of whom only the latest are remembered. */
export interface Limits {
  /** Takes one; 0 if there was one, else the milliseconds until there will be. */
  take(sender: string): number;
}

const SENDERS = 8192;

/** Makes limits of `perSecond` after `burst` at once, for each sender alone. */
export function createLimits(perSecond: number, burst: number, nowMs: () => number): Limits {
  const buckets = new Map<string, Bucket>();
  return {
    take(sender) {
      const bucket = buckets.get(sender) ?? createBucket(perSecond, burst, nowMs);
      buckets.delete(sender);
      const [oldest] = buckets.keys();
      if (buckets.size >= SENDERS && oldest !== undefined) buckets.delete(oldest);
      buckets.set(sender, bucket);
      return bucket.take() ? 0 : 1000 / perSecond;
    },
  };
}

/** A few places for work that others have to wait for, in a queue that is short too. */
export interface Places {
  /** Runs the work when there is a place; undefined at once if the queue is full, or if this sender has its share already. */
  run<T>(sender: string, work: () => Promise<T>): Promise<T> | undefined;
}

/** Makes `places` places, a queue of `queued`, and a share of both for each sender. */
export function createPlaces(places: number, queued: number, share: number): Places {
  const counts = new Map<string, number>();
  const waiting: (() => void)[] = [];
  let busy = 0;
  const enter = async () => {
    if (busy >= places) await new Promise<void>((resolve) => waiting.push(resolve));
    else busy += 1;
  };
  const leave = (sender: string) => {
    const left = (counts.get(sender) ?? 1) - 1;
    if (left === 0) counts.delete(sender);
    else counts.set(sender, left);
    // Whoever waited longest takes over the place.
    const next = waiting.shift();
    if (next === undefined) busy -= 1;
    else next();
  };
  return {
    run(sender, work) {
      const mine = counts.get(sender) ?? 0;
      if (mine >= share || (busy >= places && waiting.length >= queued)) return undefined;
      counts.set(sender, mine + 1);
      return enter()
        .then(work)
        .finally(() => leave(sender));
    },
  };
}
