import type { Progress } from '#contract/progress.ts';

/**
 * Latest progress record of each pod, in memory only. It decides which records are worth a write to the API server
 * (`published`), and wakes the resource then; all others only replace what is kept.
 */
export interface Inbox {
  /** Takes a record; late and repeated ones are dropped. */
  receive(podUid: string, record: Progress): 'taken' | 'dropped';
  /** The record that the status shall show. */
  published(podUid: string): Progress | undefined;
  /** The pod is over: nothing of it is kept. */
  forget(podUid: string): void;
  readonly size: number;
}

export interface InboxOptions {
  /** Called when a pod has news that the status shall show. */
  readonly wake: (podUid: string) => void;
  readonly nowMs?: () => number;
}

/** Small steps are written this often at most. */
const QUIET_MS = 10_000;
/** Steps of a whole percent are written this often at most. */
const STEP_MS = 1_000;

interface Entry {
  latest: Progress;
  published: Progress;
  publishedAt: number;
}

export function createInbox({ wake, nowMs = () => performance.now() }: InboxOptions): Inbox {
  const entries = new Map<string, Entry>();
  return {
    receive(podUid, record) {
      const entry = entries.get(podUid);
      const now = nowMs();
      if (entry === undefined) {
        entries.set(podUid, { latest: record, published: record, publishedAt: now });
        wake(podUid);
        return 'taken';
      }
      if (record.sequence <= entry.latest.sequence) return 'dropped';
      entry.latest = record;
      if (isDue(entry, now)) {
        entry.published = record;
        entry.publishedAt = now;
        wake(podUid);
      }
      return 'taken';
    },
    published: (podUid) => entries.get(podUid)?.published,
    forget(podUid) {
      entries.delete(podUid);
    },
    get size() {
      return entries.size;
    },
  };
}

/** Another phase or the plan at once; a whole percent within a second; anything within ten. */
function isDue({ latest, published, publishedAt }: Entry, now: number): boolean {
  const age = now - publishedAt;
  if (latest.phase !== published.phase || (published.plan === undefined && latest.plan !== undefined)) return true;
  return age >= (Math.floor(latest.percent) === Math.floor(published.percent) ? QUIET_MS : STEP_MS);
}
