import { ApiError } from './failure.ts';

/**
 * Lets requests through as long as this process may speak to the API server as the leader. Once closed it stays closed:
 * requests under way are ended, and no other is sent.
 */
export interface Gate {
  /** Aborted when the gate closes; the reason is an {@link ApiError} of kind `closed`. */
  readonly signal: AbortSignal;
  /** Looks at the clock too: a process that was stopped for a while must not send a request before its timers have run. */
  isOpen(): boolean;
  /** From now on the gate closes by itself at this time of `performance.now()`, unless it is called again before. */
  openUntil(atMs: number): void;
  close(reason: string): void;
}

/** Makes an open gate without an end. */
export function createGate(nowMs: () => number = () => performance.now()): Gate {
  const controller = new AbortController();
  let until = Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const close = (reason: string) => {
    clearTimeout(timer);
    if (controller.signal.aborted) return;
    controller.abort(new ApiError({ kind: 'closed', status: 0, message: `not sent: ${reason}` }));
  };
  const isOpen = () => {
    if (nowMs() >= until) close('leadership was not renewed in time');
    return !controller.signal.aborted;
  };
  return {
    signal: controller.signal,
    isOpen,
    openUntil(atMs) {
      if (!isOpen()) return;
      until = atMs;
      clearTimeout(timer);
      const wait = () => {
        timer = setTimeout(() => isOpen() && wait(), Math.max(1, Math.ceil(until - nowMs()))).unref();
      };
      wait();
    },
    close,
  };
}
