/**
 * Purpose of this folder: worker threads with one life for all of them. A thread starts, works, and ends by itself, by a stop,
 * or with an error that has a code; the one who started it always learns which.
 *
 * This file: the starter's side.
 */

import { Worker } from 'node:worker_threads';
import { type CodedError, fromErrorRecord, toErrorRecord } from '#contract/error.ts';
import { type CancelHandles, cancelWork } from '../ort/cancel.ts';
import { type EndGate, mayEnd } from '../ort/unbroken.ts';
import { keepWasmCode } from './keep-wasm-code.ts';
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
  /** Cancels what the thread is at, which then fails; it lives on until it is told to end. */
  cancel(): void;
  /** Cancels what the thread is at, and ends it. Resolves as `ended` does. */
  stop(): Promise<void>;
}

/** How long a thread may take to end by itself once its work is cancelled: operators that have begun run to their end. */
const PATIENCE_MILLISECONDS = 1000;
/** How long the end of a thread may take once it was forced; one that hangs in native code is left behind after it. */
const FORCE_MILLISECONDS = 300;
/** A thread in a call that must not be broken off is looked at again after this time. */
const AGAIN_MILLISECONDS = 10;
/**
 * A thread that was told to end before it has started is let start first: it loads native code, which must not be broken off.
 * One that takes longer than this is left behind.
 */
const START_MILLISECONDS = 30_000;

/** A thread's room for young objects is filled for the first time over minutes, and would make a longer film's memory larger. */
const YOUNG_MEGABYTES = 6;

/** Starts a thread; an abort stops it. */
export function startThread<Asked = never, Told = never>(
  start: ThreadStart<Told>,
  signal?: AbortSignal,
): Thread<Asked> {
  const { entry, name, task, onTold, died, explain = (error) => error } = start;
  keepWasmCode();
  const worker = new Worker(entry, {
    workerData: task,
    name,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES },
  });
  const failed = Promise.withResolvers<never>();
  const ended = Promise.withResolvers<void>();
  // Nobody may be waiting at the moment of a failure.
  failed.promise.catch(() => undefined);
  let started: { readonly cancel: CancelHandles; readonly gate: EndGate } | undefined;
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
      started = message;
      if (isStopping) cancelStarted();
    } else if (message.kind === 'over') isOver = true;
    else if (message.kind === 'failed') fail(explain(fromErrorRecord(message.error)));
    else if (!isStopping) onTold(message.told);
  });
  worker.on('error', (error) => fail(explain(fromErrorRecord(toErrorRecord(error)))));
  worker.on('exit', (code) => {
    clearTimers();
    signal?.removeEventListener('abort', abort);
    fail(died(code));
    isOver = true;
    ended.resolve();
  });

  function clearTimers(): void {
    for (const timer of timers.splice(0)) clearTimeout(timer);
  }

  function send(message: ToThread<Asked>, transfer: readonly ArrayBuffer[] = []): void {
    worker.postMessage(message, transfer);
  }

  function cancelStarted(): void {
    if (started === undefined) return;
    cancelWork(started.cancel);
    timers.push(setTimeout(force, PATIENCE_MILLISECONDS));
  }

  function force(): void {
    if (started === undefined || !mayEnd(started.gate)) {
      timers.push(setTimeout(force, AGAIN_MILLISECONDS));
      return;
    }
    void worker.terminate();
    leaveBehindAfter(FORCE_MILLISECONDS);
  }

  function leaveBehindAfter(milliseconds: number): void {
    const leave = () => {
      clearTimers();
      worker.unref();
      ended.resolve();
    };
    timers.push(setTimeout(leave, milliseconds));
  }

  function stop(): Promise<void> {
    if (isStopping) return ended.promise;
    isStopping = true;
    cancelStarted();
    send({ kind: 'end' });
    leaveBehindAfter(START_MILLISECONDS);
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
    cancel() {
      if (started !== undefined) cancelWork(started.cancel);
    },
    stop,
  };
}
