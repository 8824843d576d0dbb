/** The command line as a process of its own, watched from outside: how it ends, what it leaves, and what of it still lives. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Result, resultSchema } from '#contract/result.ts';
import { markedProcesses } from '../build/marked-processes.ts';

export const ROOT = join(import.meta.dirname, '../..');
const MAIN = join(ROOT, 'runner/cli/main.ts');
/** Every process of a run inherits it, so that those left behind are found wherever they hang in the tree. */
const MARK_VARIABLE = 'DUALPARAL_TEST_MARK';
/** Node itself catches SIGINT and SIGTERM from its first moment; SIGQUIT it leaves to the program. */
const SIGQUIT_BIT = 1n << 2n;
/** A run that has not ended by then hangs. */
const HANG_MILLISECONDS = 120_000;

/** How a run ended. */
export interface Ended {
  /** The exit code, or 128 + n for the signal n as a shell gives it; `hang` when it had to be killed. */
  readonly status: number | 'hang' | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
  /** The last result record on standard output. */
  readonly record: Result | undefined;
}

export interface FilmProcess {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  stdout(): string;
  kill(signal: NodeJS.Signals): void;
  /** Resolves once the process hears signals (before that, no program can do more than die of one). */
  listening(): Promise<void>;
  /** Resolves once standard output holds `text`, or the process has ended. */
  said(text: string): Promise<void>;
  /** The process that makes the film. */
  child(): number | undefined;
  /** Processes of this run that live. */
  living(): readonly number[];
}

export interface StartOptions {
  readonly cwd: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** What starts Node, for example a shell that puts it into a control group. */
  readonly launcher?: readonly string[];
}

/** Starts `dualparal args`. */
export function startFilm(args: readonly string[], { cwd, environment, launcher = [] }: StartOptions): FilmProcess {
  const mark = randomUUID();
  const [program, ...rest] = [...launcher, process.execPath, MAIN, ...args];
  const env = { PATH: process.env.PATH, HOME: cwd, ...environment, [MARK_VARIABLE]: mark };
  const child = spawn(program!, rest, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  const pid = child.pid!;
  let isOver = false;
  const ended = endOf(child, pid).then((status) => {
    isOver = true;
    return { status, ...said, record: lastRecord(said.stdout) };
  });
  const until = async (isTrue: () => boolean) => {
    while (!isOver && !isTrue()) await sleep(5);
  };
  return {
    pid,
    ended,
    stdout: () => said.stdout,
    kill: (signal) => void child.kill(signal),
    listening: () => until(() => hearsSignals(pid)),
    said: (text) => until(() => said.stdout.includes(text)),
    child: () => childrenOf(pid)[0],
    living: () => processesWith(mark),
  };
}

function endOf(child: ChildProcess, pid: number): Promise<Ended['status']> {
  let isHung = false;
  const watch = setTimeout(() => {
    isHung = true;
    for (const each of [...childrenOf(pid), pid]) killQuietly(each);
  }, HANG_MILLISECONDS);
  return new Promise((resolve) => {
    // Not 'close': a process left behind may hold the pipes.
    child.once('exit', (code, signal) => {
      clearTimeout(watch);
      setTimeout(() => resolve(isHung ? 'hang' : (code ?? signal ?? 'hang')), 50);
    });
  });
}

/** The newest valid result record among lines of JSON. */
function lastRecord(text: string): Result | undefined {
  const lines = text.split('\n').filter((line) => line.includes('"outcome"'));
  return readRecord(lines.at(-1) ?? '');
}

/** A result record, if the text is a valid one. */
export function readRecord(text: string): Result | undefined {
  try {
    return resultSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

export function killQuietly(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

function childrenOf(pid: number): readonly number[] {
  return read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
}

function hearsSignals(pid: number): boolean {
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(read(`/proc/${pid}/status`))?.[1];
  return caught !== undefined && (BigInt(`0x${caught}`) & SIGQUIT_BIT) !== 0n;
}

function processesWith(mark: string): readonly number[] {
  return markedProcesses(`${MARK_VARIABLE}=${mark}`).map(({ pid }) => pid);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
