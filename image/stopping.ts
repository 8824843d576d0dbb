/** A build that is told to stop ends what it has started and removes what it had half made, which may be gigabytes. */
import { constants } from 'node:os';

const stop = new AbortController();
let code: number | undefined;

/** Aborted once this process is told to stop. */
export const stopping: AbortSignal = stop.signal;

/** The exit code, as a shell gives it, of the signal that has stopped this process; undefined where none has. */
export function stopCode(): number | undefined {
  return code;
}

/** From now on the first signal stops cleanly, and a second one at once. */
export function heedSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (code !== undefined) process.exit(code);
      code = 128 + constants.signals[signal];
      stop.abort();
    });
  }
}
