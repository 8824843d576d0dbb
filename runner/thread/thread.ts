/**
 * Purpose of this folder: worker threads with one life for all of them. A thread starts, works, and ends by itself, by a stop,
 * or with an error that has a code; the one who started it always learns which.
 *
 * This file: the starter's side.
 */

import { Worker } from 'node:worker_threads';
import { type CodedError, fromErrorRecord, toErrorRecord } from '#contract/error.ts';
import { type CancelHandles, cancelWork } from '../ort/cancel.ts';
import type { FromThread, ToThread } from './messages.ts';

/** What a thread is and who listens to it. */
export interface ThreadStart<Told> {
  /** A module that calls `inThread`. */
  readonly entry: URL;
  /** The thread's name, as debuggers show it. */
  readonly name: string;
  /** Plain data; shared memory in it stays shared. */
  readonly task: unknown;
  readonly onTold: (told: Told) => void;
  /** The error of a thread that ended before its work was over and without a reason. */
  readonly died: (exitCode: number) => Error;
  /** The error of a thread that said why it failed; the same error unless given. */
  readonly explain?: (error: CodedError) => Error;
}

/** A running thread. */
export interface Thread<Asked> {
  /** Rejects with why the thread failed before its work was over, or with the reason of an abort; never resolves. */
  readonly failed: Promise<never>;
  /** Resolves once the thread is gone, or given up after a stop. */
  readonly ended: Promise<void>;
  ask(asked: Asked, transfer?: readonly ArrayBuffer[]): void;
  /** Lets the thread end after what it was asked so far. */
  finish(): Promise<void>;
  /** Cancels what the thread is at, and ends it. Resolves as `ended` does. */
  stop(): Promise<void>;
}

/** How long a thread may take to end by itself once its work is cancelled: operators that have begun run to their end. */
const PATIENCE_MILLISECONDS = 1000;
/** How long the end of a thread may take once it was forced; one that hangs in native code is left behind after it. */
const FORCE_MILLISECONDS = 300;

/** Starts a thread; an abort stops it. */
export function startThread<Asked = never, Told = never>(
  start: ThreadStart<Told>,
  signal?: AbortSignal,
): Thread<Asked> {
  const { entry, name, task, onTold, died, explain = (error) => error } = start;
  const worker = new Worker(entry, { workerData: task, name });
  const failed = Promise.withResolvers<never>();
  const ended = Promise.withResolvers<void>();
  // Nobody may be waiting at the moment of a failure.
  failed.promise.catch(() => undefined);
  let cancel: CancelHandles | undefined;
  let isStopping = false;
  let isOver = false;
  const timers: NodeJS.Timeout[] = [];

  function fail(error: Error): void {
    if (isStopping || isOver) return;
    isOver = true;
    failed.reject(error);
  }

  worker.on('message', (message: FromThread<Told>) => {
    if (message.kind === 'started') {
      cancel = message.cancel;
      if (isStopping) cancelWork(cancel);
    } else if (message.kind === 'over') isOver = true;
    else if (message.kind === 'failed') fail(explain(fromErrorRecord(message.error)));
    else if (!isStopping) onTold(message.told);
  });
  worker.on('error', (error) => fail(explain(fromErrorRecord(toErrorRecord(error)))));
  worker.on('exit', (code) => {
    for (const timer of timers) clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    fail(died(code));
    isOver = true;
    ended.resolve();
  });

  function send(message: ToThread<Asked>, transfer: readonly ArrayBuffer[] = []): void {
    worker.postMessage(message, transfer);
  }

  function force(): void {
    void worker.terminate();
    worker.unref();
    timers.push(setTimeout(ended.resolve, FORCE_MILLISECONDS));
  }

  function stop(): Promise<void> {
    if (isStopping) return ended.promise;
    isStopping = true;
    if (cancel !== undefined) cancelWork(cancel);
    send({ kind: 'end' });
    timers.push(setTimeout(force, PATIENCE_MILLISECONDS));
    return ended.promise;
  }

  function abort(): void {
    fail(signal?.reason);
    void stop();
  }

  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();
  return {
    failed: failed.promise,
    ended: ended.promise,
    ask: (asked, transfer) => send({ kind: 'asked', asked }, transfer),
    finish() {
      send({ kind: 'end' });
      return ended.promise;
    },
    stop,
  };
}
