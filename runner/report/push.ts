import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Progress } from '#contract/progress.ts';
import { type PushTarget, post } from './post.ts';

/** Sends progress to the operator. */
export interface Pusher {
  /** Replaces a report that is still waiting: only the latest matters. Never throws. */
  push(record: Progress): void;
  /** Sends what waits, for at most `timeoutMilliseconds`, or hardly at all once `hurry` aborts; closes the connection. */
  close(timeoutMilliseconds: number, hurry?: AbortSignal): Promise<void>;
}

const TIMEOUT_MILLISECONDS = 5000;
const RETRY_MILLISECONDS = 2000;
/** What the last report may take when somebody waits for the end. */
const HURRY_MILLISECONDS = 500;

/**
 * One report at a time over one kept connection. A failed report is tried again unless a newer one is there by then: the film
 * never waits for the operator, and an absent operator costs nothing but a line of log per outage.
 */
export function createPusher(target: PushTarget, onOutage: (reason: string) => void): Pusher {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: readFileSync(target.caFile) });
  const closing = new AbortController();
  let waiting: Progress | undefined;
  let sending: Promise<void> | undefined;
  let isOut = false;

  async function drain(): Promise<void> {
    while (waiting !== undefined) {
      const record = waiting;
      waiting = undefined;
      const failure = await send(target, agent, record);
      if (failure === undefined) {
        isOut = false;
        continue;
      }
      if (!isOut) onOutage(failure);
      isOut = true;
      if (closing.signal.aborted) return;
      waiting ??= record;
      await sleep(RETRY_MILLISECONDS, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  }

  return {
    push(record) {
      waiting = record;
      sending ??= drain().finally(() => {
        sending = undefined;
      });
    },
    async close(timeoutMilliseconds, hurry) {
      // Wakes a retry that sleeps, so that the last report is tried once more at once. Timers keep the process alive here:
      // without them it would end before the caller goes on.
      closing.abort();
      const limit = new AbortController();
      const wait = (milliseconds: number) =>
        sleep(milliseconds, undefined, { signal: limit.signal }).catch(() => undefined);
      const hurried = new Promise<void>((resolve) => {
        const start = () => void wait(HURRY_MILLISECONDS).then(resolve);
        if (hurry?.aborted) start();
        else hurry?.addEventListener('abort', start, { once: true, signal: limit.signal });
      });
      await Promise.race([sending, wait(timeoutMilliseconds), hurried]);
      limit.abort();
      agent.destroy();
    },
  };
}

/** The reason of the failure, or undefined when the operator took the report (or will never take it: late, or of a past attempt). */
async function send({ url, tokenFile }: PushTarget, agent: Agent, record: Progress): Promise<string | undefined> {
  try {
    const { status } = await post(url, tokenFile, record, { agent, timeoutMilliseconds: TIMEOUT_MILLISECONDS });
    return status < 500 && status !== 429 ? undefined : `the operator answered ${status}`;
  } catch (error) {
    return (error as Error).message;
  }
}
