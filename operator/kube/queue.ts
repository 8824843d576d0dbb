import type { KeyBackoff } from './rate-limit.ts';

/**
 * A queue of keys with the contract of client-go's: a key waits at most once; it is never handed out twice at the same
 * time; added while it is being processed, it comes once more after `done`.
 */
export interface WorkQueue {
  add(key: string): void;
  /** Adds the key after a time. Of several, the earliest counts. */
  addAfter(key: string, delayMs: number): void;
  /** Adds the key after a failure, later each time until it is forgotten. */
  addRateLimited(key: string): void;
  /** The key did well: its next failure is its first. */
  forget(key: string): void;
  /** The next key; undefined once the queue is shut down. */
  get(): Promise<string | undefined>;
  done(key: string): void;
  /** Lets nothing in any more and answers every `get` with undefined. */
  shutDown(): void;
  /** Keys that wait to be handed out. */
  readonly depth: number;
}

interface Later {
  readonly due: number;
  readonly timer: NodeJS.Timeout;
}

/** Makes a queue whose failures wait as `backoff` says. */
export function createQueue(backoff: KeyBackoff): WorkQueue {
  const waiting = new Set<string>();
  const processing = new Set<string>();
  const dirty = new Set<string>();
  const later = new Map<string, Later>();
  const takers: ((key: string | undefined) => void)[] = [];
  let shut = false;

  const hand = (key: string) => {
    const taker = takers.shift();
    if (taker === undefined) {
      waiting.add(key);
      return;
    }
    processing.add(key);
    taker(key);
  };
  const add = (key: string) => {
    if (shut || waiting.has(key)) return;
    if (processing.has(key)) dirty.add(key);
    else hand(key);
  };
  const addAfter = (key: string, delayMs: number) => {
    if (shut) return;
    if (delayMs <= 0) {
      add(key);
      return;
    }
    const due = performance.now() + delayMs;
    const known = later.get(key);
    if (known !== undefined && known.due <= due) return;
    clearTimeout(known?.timer);
    const timer = setTimeout(() => {
      later.delete(key);
      add(key);
    }, delayMs);
    later.set(key, { due, timer });
  };

  return {
    add,
    addAfter,
    addRateLimited: (key) => addAfter(key, backoff.next(key)),
    forget: (key) => backoff.forget(key),
    get() {
      if (shut) return Promise.resolve(undefined);
      const [key] = waiting;
      if (key === undefined) return new Promise((resolve) => takers.push(resolve));
      waiting.delete(key);
      processing.add(key);
      return Promise.resolve(key);
    },
    done(key) {
      processing.delete(key);
      if (dirty.delete(key) && !shut) hand(key);
    },
    shutDown() {
      shut = true;
      for (const { timer } of later.values()) clearTimeout(timer);
      later.clear();
      waiting.clear();
      for (const taker of takers.splice(0)) taker(undefined);
    },
    get depth() {
      return waiting.size;
    },
  };
}
