import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { keepGoingWithoutScreen } from '../../runner/cli/lost-screen.ts';

const STOPS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What work is given that others may stop. */
export interface Stoppable {
  /** Aborted by the first signal; whatever the work has started is ended then. */
  readonly signal: AbortSignal;
  /** For all that is there for a time: as an absolute path, since processes of the work may have another working directory. */
  readonly folder: string;
}

/** What came of the work, and the exit code, as a shell gives it, of the signal that has stopped it. */
export interface Done<T> {
  readonly found: T;
  readonly stopCode: number | undefined;
}

/**
 * Does work that starts processes and fills a temporary folder, and leaves neither behind: not where it is done, nor where this process is
 * told to stop. A screen that goes away takes nothing of the work.
 */
export async function untilStopped<T>(prefix: string, work: (given: Stoppable) => Promise<T>): Promise<Done<T>> {
  keepGoingWithoutScreen(false);
  const stop = new AbortController();
  let stopCode: number | undefined;
  // A second signal changes nothing: all that runs is ended by the first one, and nothing is to be left behind.
  for (const signal of STOPS) {
    process.on(signal, () => {
      stopCode ??= 128 + constants.signals[signal];
      stop.abort();
    });
  }
  const folder = mkdtempSync(join(resolve(tmpdir()), prefix));
  try {
    const found = await work({ signal: stop.signal, folder });
    return { found, stopCode };
  } finally {
    // What has been killed may still be ending, and writing.
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  }
}
