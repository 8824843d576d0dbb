import { LONGEST_TIMER_MILLISECONDS } from '#contract/waits.ts';
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

/** What a queue tells time by: milliseconds from any start, and calls after a delay, which can be called off. */
export interface QueueClock {
  now(): number;
  after(delayMs: number, run: () => void): () => void;
}

interface Later {
  readonly due: number;
  readonly off: () => void;
}

/** Keys are handed out for this long before timers and connections get their turn. */
const TURN_MS = 10;

/** Makes a queue whose failures wait as `backoff` says; `waited` is told how many seconds each key waited for a taker. */
export function createQueue(
  backoff: KeyBackoff,
  clock: QueueClock = machineClock,
  waited: (seconds: number) => void = () => {},
): WorkQueue {
  /** Since when each key waits. */
  const waiting = new Map<string, number>();
  const processing = new Set<string>();
  const dirty = new Set<string>();
  const later = new Map<string, Later>();
  const takers: ((key: string | undefined) => void)[] = [];
  let shut = false;

  const hand = (key: string) => {
    const taker = takers.shift();
    if (taker === undefined) {
      waiting.set(key, clock.now());
      return;
    }
    waited(0);
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
    const due = clock.now() + delayMs;
    const known = later.get(key);
    // What is not a time never comes by itself.
    if (Number.isNaN(due) || (known !== undefined && known.due <= due)) return;
    known?.off();
    const ring = () => {
      later.delete(key);
      add(key);
    };
    later.set(key, { due, off: clock.after(delayMs, ring) });
  };
  let turnStart = clock.now();
  /** Workers that never wait for anything else would keep everything else waiting: the lease's renewal, say. */
  const otherTurns = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    turnStart = clock.now();
  };

  return {
    add,
    addAfter,
    addRateLimited: (key) => addAfter(key, backoff.next(key)),
    forget: (key) => backoff.forget(key),
    async get() {
      if (waiting.size > 0 && clock.now() - turnStart > TURN_MS) await otherTurns();
      if (shut) return undefined;
      const [first] = waiting;
      if (first === undefined) return new Promise((resolve) => takers.push(resolve));
      const [key, since] = first;
      waiting.delete(key);
      waited((clock.now() - since) / 1000);
      processing.add(key);
      return key;
    },
    done(key) {
      processing.delete(key);
      if (dirty.delete(key) && !shut) hand(key);
    },
    shutDown() {
      shut = true;
      for (const { off } of later.values()) off();
      later.clear();
      waiting.clear();
      for (const taker of takers.splice(0)) taker(undefined);
    },
    get depth() {
      return waiting.size;
    },
  };
}

const machineClock: QueueClock = {
  now: () => performance.now(),
  after(delayMs, run) {
    const due = performance.now() + delayMs;
    const wait = (ms: number) => setTimeout(ring, Math.min(ms, LONGEST_TIMER_MILLISECONDS));
    const ring = () => {
      const left = due - performance.now();
      if (left > 1) timer = wait(left);
      else run();
    };
    let timer = wait(delayMs);
    return () => clearTimeout(timer);
  },
};
