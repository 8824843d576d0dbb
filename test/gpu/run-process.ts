import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const STREAMS = ['stdout', 'stderr'] as const;

export interface ProcessSettings {
  readonly command: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  /** After so many seconds it is killed; never where absent. */
  readonly seconds?: number;
  /** What it prints, as it comes. */
  readonly told?: (chunk: Buffer, stream: (typeof STREAMS)[number]) => void;
  /** Ends it before its time. */
  readonly signal?: AbortSignal;
}

export interface ProcessEnd {
  /** An exit code, a signal, the time limit, or why there was no process. */
  readonly end: string;
  /** The exit code; null where there is none, as after a signal. */
  readonly code: number | null;
  readonly output: string;
}

/** Between the end of a process and the end of what it printed; a process left behind may hold its pipes for ever. */
const GRACE_MILLISECONDS = 500;
/** A process that a driver holds cannot be killed, and is not waited for. */
const KILLED_MILLISECONDS = 5000;

/**
 * Runs a process and, when it has ended or its time is over, kills what is left of its group: a profiler starts its program as a
 * child, and compilers leave workers behind. Never throws.
 */
export async function runProcess({
  command,
  environment,
  seconds,
  told,
  signal,
}: ProcessSettings): Promise<ProcessEnd> {
  const [program = '', ...args] = command;
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  const child = spawn(program, args, { detached: true, stdio: [...stdio], env: environment ?? process.env });
  const output: string[] = [];
  for (const stream of STREAMS) {
    child[stream]?.on('data', (chunk: Buffer) => {
      output.push(chunk.toString());
      told?.(chunk, stream);
    });
  }
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, by) => resolve(code === 0 ? '0' : code === null ? String(by) : `exit ${code}`));
  });
  const closed = once(child, 'close').catch(() => undefined);
  const stopped = new AbortController();
  const over = seconds === undefined ? [] : [timeLimit(seconds, stopped.signal)];
  const aborted = new Promise<string>((resolve) => {
    const stop = () => resolve('stopped from outside');
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
  });
  const first = await Promise.race([exited, ...over, aborted]);
  stopped.abort();
  const isStopped = (await Promise.race([exited, sleep(0, undefined)])) === undefined;
  if (isStopped) {
    killGroup(child.pid);
    await Promise.race([exited, sleep(KILLED_MILLISECONDS, undefined, { ref: false })]);
  }
  await Promise.race([closed, sleep(GRACE_MILLISECONDS)]);
  killGroup(child.pid);
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.unref();
  return { end: first, code: child.exitCode, output: output.join('') };
}

function timeLimit(seconds: number, signal: AbortSignal): Promise<string> {
  return sleep(1000 * seconds, `stopped after its ${seconds} s`, { signal }).catch(() => '');
}

/** Ends every process of the group, of which there may be none left. */
function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // They have ended.
  }
}
