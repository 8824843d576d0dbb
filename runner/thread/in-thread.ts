import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { toErrorRecord } from '#contract/error.ts';
import { cancelHandles } from '../ort/cancel.ts';
import { endGate } from '../ort/unbroken.ts';
import type { FromThread, ToThread } from './messages.ts';

/** What the work of a thread is given. */
export interface ThreadWork<Task, Asked, Told> {
  readonly task: Task;
  tell(told: Told, transfer?: readonly ArrayBuffer[]): void;
  /** Says why the work has failed before it is over, for one that has to end together with others. The first one counts. */
  fail(error: unknown): void;
  /** What is asked of the thread, in order, until it is told that nothing more comes. To be iterated at most once. */
  readonly requests: AsyncIterable<Asked>;
}

/**
 * The life of a worker thread, from its first word to its last: `work` runs from start to end, and whatever it opens it closes
 * in its own scope, so nothing that comes late can reach what is closed. Whatever it throws is told and ends the thread. Does
 * nothing in the main thread.
 */
export function inThread<Task, Asked = never, Told = never>(
  work: (given: ThreadWork<Task, Asked, Told>) => void | Promise<void>,
): void {
  if (parentPort !== null) void live(parentPort, work);
}

async function live<Task, Asked, Told>(
  port: MessagePort,
  work: (given: ThreadWork<Task, Asked, Told>) => void | Promise<void>,
): Promise<void> {
  const say = (message: FromThread<Told>, transfer: readonly ArrayBuffer[] = []) => port.postMessage(message, transfer);
  let hasFailed = false;
  const fail = (error: unknown) => {
    if (!hasFailed) say({ kind: 'failed', error: toErrorRecord(error) });
    hasFailed = true;
  };
  try {
    say({ kind: 'started', cancel: cancelHandles(), gate: endGate });
    const tell = (told: Told, transfer?: readonly ArrayBuffer[]) => say({ kind: 'told', told }, transfer);
    await work({ task: workerData as Task, tell, fail, requests: requestsOf<Asked>(port) });
    if (!hasFailed) say({ kind: 'over' });
  } catch (error) {
    fail(error);
  } finally {
    port.close();
  }
}

/** Hears the port only while somebody asks for the next request: a thread that takes none is not kept alive by it. */
async function* requestsOf<Asked>(port: MessagePort): AsyncGenerator<Asked, void, undefined> {
  const waiting: ToThread<Asked>[] = [];
  let wake: () => void = () => undefined;
  const hear = (message: ToThread<Asked>) => {
    waiting.push(message);
    wake();
  };
  port.on('message', hear);
  try {
    for (;;) {
      const next = waiting.shift();
      if (next === undefined) await new Promise<void>((resolve) => (wake = resolve));
      else if (next.kind === 'end') return;
      else yield next.asked;
    }
  } finally {
    port.off('message', hear);
  }
}
