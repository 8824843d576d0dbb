/**
 * A child process that can always be ended. It leads a process group of its own, so that what it has started ends with it (a
 * program may be a shell script), and its end never waits for pipes that somebody else still holds open.
 */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

/** How a child ended: with a code, or by a signal. */
export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running child. */
export interface Child {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /**
   * Resolves once the child has ended and its output is read, or {@link PIPES_MILLISECONDS} after its end where something
   * holds its pipes open, or {@link KILL_MILLISECONDS} after `kill` whatever happens. Rejects when it could not be started.
   */
  readonly ended: Promise<ChildEnd>;
  /** Ends the child and its group at once; harmless once it has ended. */
  kill(): void;
}

/** Time for the output of a child that has ended by itself to arrive. */
const PIPES_MILLISECONDS = 2000;
/** Longest wait for the end of a killed child: one in the middle of a system call may not end for a long time. */
const KILL_MILLISECONDS = 1000;

const running = new Set<ChildProcessWithoutNullStreams>();
let isWatchingExit = false;

/** Starts `program args` with three pipes. */
export function startChild(program: string, args: readonly string[]): Child {
  const child = spawn(program, args, { detached: true });
  watchExit();
  running.add(child);
  let end: ChildEnd | undefined;
  let isKilled = false;
  let timer: NodeJS.Timeout | undefined;
  let letGo: () => void = () => undefined;

  const ended = new Promise<ChildEnd>((resolve, reject) => {
    letGo = () => {
      killGroup(child);
      for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.destroy();
      child.unref();
      resolve(end ?? { code: null, signal: 'SIGKILL' });
    };
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      end = { code, signal };
      if (isKilled) return letGo();
      timer = setTimeout(letGo, PIPES_MILLISECONDS);
    });
    child.once('close', (code, signal) => resolve({ code, signal }));
  }).finally(() => {
    clearTimeout(timer);
    running.delete(child);
  });
  // Whoever waits for the end gets its error; nobody may be waiting yet.
  ended.catch(() => undefined);
  // A child that is done early closes its input: what matters then is how it ended, not that a write met a closed pipe.
  for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.on('error', () => undefined);

  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    ended,
    kill() {
      if (isKilled || !running.has(child)) return;
      isKilled = true;
      clearTimeout(timer);
      killGroup(child);
      if (end === undefined) timer = setTimeout(letGo, KILL_MILLISECONDS);
      else letGo();
    },
  };
}

function killGroup({ pid }: ChildProcessWithoutNullStreams): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group has ended.
  }
}

/** A terminal's Ctrl-C does not reach other process groups, and a process that exits takes no children along. */
function watchExit(): void {
  if (isWatchingExit) return;
  isWatchingExit = true;
  process.on('exit', () => {
    for (const child of running) killGroup(child);
  });
}
