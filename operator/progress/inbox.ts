import type { Progress } from '#contract/progress.ts';
import { createBucket } from '../kube/rate-limit.ts';

/**
 * Latest progress record of each pod, in memory only. It decides which records are worth a write to the API server
 * (`published`), and wakes the resource then; all others only replace what is kept.
 */
export interface Inbox {
  /** Takes a record; late and repeated ones are dropped. */
  receive(podUid: string, record: Progress): 'taken' | 'dropped';
  /** The record that the status shall show. */
  published(podUid: string): Progress | undefined;
  /** From now on reports are taken: before, nobody could be heard. */
  begin(): void;
  /** For how long a pod has not been heard of, and since when it could have been, in milliseconds. */
  hearing(podUid: string | undefined): { readonly silentMs: number; readonly listeningMs: number };
  /** The pod is over: nothing of it is kept. */
  forget(podUid: string): void;
  readonly size: number;
}

export interface InboxOptions {
  /** Called when a pod has news that the status shall show. */
  readonly wake: (podUid: string) => void;
  readonly nowMs?: () => number;
  /** Calls after a delay. */
  readonly after?: (delayMs: number, run: () => void) => void;
}

/** Small steps are written this often at most. */
const QUIET_MS = 10_000;
/** Steps of a whole percent are written this often at most. */
const STEP_MS = 1_000;
/**
 * News of all pods together, a second, and at once where it was quiet before: never more than 200 in any second. Each is a write
 * that the API server tells every watcher of. With more pods than that each of them is told less often, in turn; another phase comes
 * before a step.
 */
const NEWS = { perSecond: 150, burst: 50 } as const;
const TURN_MS = 100;

interface Heard {
  latest: Progress;
  latestAt: number;
  published: Progress | undefined;
  publishedAt: number;
}

export function createInbox(options: InboxOptions): Inbox {
  const { wake, nowMs = () => performance.now(), after = later } = options;
  const heardOf = new Map<string, Heard>();
  const bucket = createBucket(NEWS.perSecond, NEWS.burst, nowMs);
  /** Pods whose news wait for their turn, and those among them that go first. */
  const waiting = new Set<string>();
  const urgent = new Set<string>();
  /** When pods are looked at again whose last record was too soon after one that is shown: perhaps no other follows. */
  const due = new Map<string, number>();
  let armed = false;
  let since = nowMs();

  const publish = (podUid: string) => {
    const heard = heardOf.get(podUid);
    waiting.delete(podUid);
    urgent.delete(podUid);
    if (heard === undefined) return;
    heard.published = heard.latest;
    heard.publishedAt = nowMs();
    wake(podUid);
  };
  const takeTurns = () => {
    armed = false;
    for (const podUid of [...urgent, ...waiting]) {
      if (!waiting.has(podUid)) continue;
      if (!bucket.take()) break;
      publish(podUid);
    }
    arm();
  };
  const arm = () => {
    if (armed || waiting.size === 0) return;
    armed = true;
    after(TURN_MS, takeTurns);
  };
  /** At once where nobody waits and there is room. */
  const tell = (podUid: string, isUrgent: boolean) => {
    if (waiting.size === 0 && bucket.take()) {
      publish(podUid);
      return;
    }
    waiting.add(podUid);
    if (isUrgent) urgent.add(podUid);
    arm();
  };
  const consider = (podUid: string, heard: Heard) => {
    const news = newsOf(heard, nowMs());
    if (news !== 'none') tell(podUid, news === 'phase');
    else lookAgain(podUid, heard.publishedAt + waitOf(heard));
  };
  const lookAgain = (podUid: string, at: number) => {
    if (at >= (due.get(podUid) ?? Number.POSITIVE_INFINITY)) return;
    due.set(podUid, at);
    after(Math.max(1, at - nowMs()), () => {
      // An earlier look has taken the place of this one.
      if (due.get(podUid) !== at) return;
      due.delete(podUid);
      const heard = heardOf.get(podUid);
      if (heard !== undefined && heard.latest !== heard.published && !waiting.has(podUid)) consider(podUid, heard);
    });
  };

  return {
    receive(podUid, record) {
      const heard = heardOf.get(podUid);
      const now = nowMs();
      if (heard === undefined) {
        heardOf.set(podUid, { latest: record, latestAt: now, published: undefined, publishedAt: now });
        tell(podUid, true);
        return 'taken';
      }
      if (record.sequence <= heard.latest.sequence) return 'dropped';
      heard.latest = record;
      heard.latestAt = now;
      consider(podUid, heard);
      return 'taken';
    },
    begin() {
      since = nowMs();
    },
    hearing(podUid) {
      const listeningMs = nowMs() - since;
      const heard = podUid === undefined ? undefined : heardOf.get(podUid);
      return { silentMs: heard === undefined ? listeningMs : nowMs() - heard.latestAt, listeningMs };
    },
    published: (podUid) => heardOf.get(podUid)?.published,
    forget(podUid) {
      heardOf.delete(podUid);
      waiting.delete(podUid);
      urgent.delete(podUid);
      due.delete(podUid);
    },
    get size() {
      return heardOf.size;
    },
  };
}

/** Another phase or the plan at once; a whole percent within a second; anything within ten. */
function newsOf(heard: Heard, now: number): 'phase' | 'step' | 'none' {
  const { latest, published, publishedAt } = heard;
  if (published === undefined || latest.phase !== published.phase) return 'phase';
  if (published.plan === undefined && latest.plan !== undefined) return 'phase';
  return now - publishedAt >= waitOf(heard) ? 'step' : 'none';
}

/** How long after the last one another record of the same phase is shown. */
function waitOf({ latest, published }: Heard): number {
  return Math.floor(latest.percent) === Math.floor(published?.percent ?? 0) ? QUIET_MS : STEP_MS;
}

function later(delayMs: number, run: () => void): void {
  setTimeout(run, delayMs).unref();
}
