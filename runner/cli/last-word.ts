import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { CodedError } from '#contract/error.ts';
import { exitCodeOf, toErrorRecord } from '#contract/error.ts';
import type { Result } from '#contract/result.ts';
import { CONTRACT_VERSION } from '#contract/version.ts';
import { writeTerminationMessage } from '../report/termination.ts';
import { type Ending, endingOf, type Watched } from './ending.ts';
import { cliError } from './errors.ts';
import { printable, printableJson } from './printable.ts';

/** How long a reader that does not read may hold the last word back. */
const WRITE_PATIENCE_MILLISECONDS = 1000;
const SHOW_CURSOR = '\u001b[?25h';

interface Run {
  readonly args: readonly string[];
  readonly elapsedSeconds: number;
}

/**
 * Says in the place of a process that is gone how its run ended: as the container's termination message, as a JSON line where
 * one is wanted, and as a line for people. Gives the exit code.
 */
export function lastWord(watched: Watched, spawnFailure: Error | undefined, { args, elapsedSeconds }: Run): number {
  const ending = spawnFailure === undefined ? endingOf(watched) : notStarted(spawnFailure);
  if (ending.kind === 'told') return ending.exitCode;
  const { outcome, error, warnings } = ending;
  const result: Result = {
    contractVersion: CONTRACT_VERSION,
    outcome,
    error: toErrorRecord(error),
    framesReady: watched.framesReady,
    elapsedSeconds,
    ...(warnings.length === 0 ? {} : { warnings: [...warnings] }),
  };
  const isTerminal = isatty(2);
  const { DUALPARAL_TERMINATION_LOG: log } = process.env;
  if (args[0] === 'run' && log) quietly(() => writeTerminationMessage(log, result));
  if (args.includes('--json')) writeLine(1, printableJson(result));
  for (const warning of warnings) writeLine(2, `warning: ${printable(warning)}`);
  // The view that the process drew may have hidden the cursor.
  writeLine(2, `${isTerminal ? SHOW_CURSOR : ''}${printable(`${error.code}: ${error.message}`)}`);
  return exitCodeOf(error);
}

function notStarted(failure: Error): Ending {
  const error: CodedError = cliError('E_NOT_STARTED', { reason: failure.message }, failure);
  return { kind: 'untold', outcome: 'failed', error, warnings: [] };
}

/** Writes at once, since this process ends next; a full pipe is waited for, a closed one is no matter. */
function writeLine(fd: number, line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  const end = performance.now() + WRITE_PATIENCE_MILLISECONDS;
  for (let done = 0; done < bytes.length && performance.now() < end; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

function quietly(write: () => void): void {
  try {
    write();
  } catch {
    // The line on the error output says the same.
  }
}
