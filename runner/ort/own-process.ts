import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openNative } from './native-library.ts';

/** How a process of its own is run. */
export interface OwnProcess {
  readonly environment: NodeJS.ProcessEnv;
  readonly milliseconds: number;
  readonly signal?: AbortSignal | undefined;
}

/** How it ended. What libraries print is not among what it told: they may print on standard output whatever they like. */
export interface OwnEnd {
  /** What it has said by {@link tell}, line by line. */
  readonly told: string;
  readonly stderr: string;
  readonly status: number | null;
  readonly signal: string | null;
  /** Its time was over before it had ended. */
  readonly isLate: boolean;
}

/** What the program that runs is linked with is found in itself, whatever the system's library is called. */
const THIS_PROGRAM = null;
const PR_SET_PDEATHSIG = 1;
/** The handle on which such a process speaks. */
const TELLING = 3;
/** A log that repeats itself is not kept for ever. */
const MOST_CHARACTERS = 2 ** 20;
/** A process that a driver holds cannot be killed, and is not waited for. */
const KILLED_MILLISECONDS = 1000;

/**
 * For a process that {@link runOwn} has started, before anything that may hang: it ends when the thread that started it does, however that
 * ends. https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
 */
export function endWithParent(): void {
  if (process.platform !== 'linux') return;
  const system = openNative(THIS_PROGRAM);
  if ('problem' in system) return;
  system.call('prctl', 'izzzz', PR_SET_PDEATHSIG, constants.signals.SIGKILL, 0, 0, 0);
  // It may have ended before that was said.
  if (process.ppid !== Number(process.argv[2])) process.exit(1);
}

/** For a process that {@link runOwn} has started: tells it a value. */
export function tell(value: unknown): void {
  writeSync(TELLING, `${JSON.stringify(value)}\n`);
}

/**
 * Runs a program of this folder in a process of its own: what it touches may fail, hang or end it without harm to this one, which hears
 * signals meanwhile. Over its time it is killed. Throws the signal's reason on an abort, nothing else.
 */
export async function runOwn(program: string, { environment, milliseconds, signal }: OwnProcess): Promise<OwnEnd> {
  signal?.throwIfAborted();
  const child = spawn(process.execPath, [join(import.meta.dirname, program), String(process.pid)], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: environment,
  });
  const texts = [TELLING, 2].map((handle) => {
    const kept = { text: '' };
    const stream = child.stdio[handle] as NodeJS.ReadableStream | null;
    stream?.setEncoding('utf8').on('data', (piece: string) => {
      if (kept.text.length < MOST_CHARACTERS) kept.text += piece;
    });
    return kept;
  });
  const ended = once(child, 'close').catch(() => undefined);
  const settled = new AbortController();
  const wait = (after: number) => sleep(after, 'late' as const, { signal: settled.signal }).catch(() => undefined);
  const abort = Promise.withResolvers<'stopped'>();
  const stop = () => abort.resolve('stopped');
  signal?.addEventListener('abort', stop);
  try {
    const first = await Promise.race([ended, wait(milliseconds), abort.promise]);
    const isLate = first === 'late';
    if (isLate || first === 'stopped') {
      child.kill('SIGKILL');
      await Promise.race([ended, wait(KILLED_MILLISECONDS)]);
    }
    signal?.throwIfAborted();
    const [told, stderr] = texts.map(({ text }) => text) as [string, string];
    return { told, stderr, status: child.exitCode, signal: child.signalCode, isLate };
  } finally {
    settled.abort();
    signal?.removeEventListener('abort', stop);
    for (const stream of child.stdio) stream?.destroy();
    child.unref();
  }
}

/** The values in what a process told; a line that it was cut off at is none. */
export function valuesIn(told: string): readonly unknown[] {
  return told.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as unknown];
    } catch {
      return [];
    }
  });
}
