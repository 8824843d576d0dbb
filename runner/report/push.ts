import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Progress } from '#contract/progress.ts';

/** Where progress goes. The token file is read anew for each report: the kubelet rotates it. */
export interface PushTarget {
  readonly url: string;
  readonly tokenFile: string;
  readonly caFile: string;
}

/** Sends progress to the operator. */
export interface Pusher {
  /** Replaces a report that is still waiting: only the latest matters. Never throws. */
  push(record: Progress): void;
  /** Sends what waits, for at most `timeoutMilliseconds`, and closes the connection. */
  close(timeoutMilliseconds: number): Promise<void>;
}

const TIMEOUT_MILLISECONDS = 5000;
const RETRY_MILLISECONDS = 2000;

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
      const failure = await post(target, agent, record);
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
    async close(timeoutMilliseconds) {
      // Wakes a retry that sleeps, so that the last report is tried once more at once. Timers keep the process alive here:
      // without them it would end before the caller goes on.
      closing.abort();
      const limit = new AbortController();
      const late = sleep(timeoutMilliseconds, undefined, { signal: limit.signal }).catch(() => undefined);
      await Promise.race([sending, late]);
      limit.abort();
      agent.destroy();
    },
  };
}

/** The reason of the failure, or undefined when the operator took the report (or will never take it: late, or of a past attempt). */
function post(target: PushTarget, agent: Agent, record: Progress): Promise<string | undefined> {
  return new Promise((resolve) => {
    const body = JSON.stringify(record);
    const call = request(
      target.url,
      {
        method: 'POST',
        agent,
        timeout: TIMEOUT_MILLISECONDS,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          authorization: `Bearer ${readFileSync(target.tokenFile, 'utf8').trim()}`,
        },
      },
      (response) => {
        response.resume();
        const status = response.statusCode ?? 0;
        response.on('end', () =>
          resolve(status < 500 && status !== 429 ? undefined : `the operator answered ${status}`),
        );
      },
    );
    call.on('timeout', () => call.destroy(new Error(`no answer within ${TIMEOUT_MILLISECONDS / 1000} s`)));
    call.on('error', (error) => resolve(error.message));
    call.end(body);
  });
}
