/** Errors of a reader or terminal that went away. */
const GONE = new Set(['EPIPE', 'EIO', 'ECONNRESET', 'ERR_STREAM_DESTROYED', 'EBADF']);

let failure: string | undefined;

/** Why standard output could not be written although its reader is still there, for instance a full disk. */
export function outputFailure(): string | undefined {
  return failure;
}

/**
 * A screen that goes away (`| head -1`, a closed terminal) takes nothing with it: what is written there is lost from then on, and
 * the work goes on to its own end. A film outlives its terminal's hang-up, too.
 */
export function keepGoingWithoutScreen(makesFilm: boolean): void {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (!GONE.has(code ?? '')) failure ??= message;
  });
  if (makesFilm) process.on('SIGHUP', () => undefined);
}

/** What is left to print may take this long once somebody waits for the end. */
const HURRY_MILLISECONDS = 500;

/** Resolves once all that was printed has left this process; soon after `hurry` has aborted even if a reader does not read. */
export async function screenDrained(hurry: AbortSignal): Promise<void> {
  const drained = [process.stdout, process.stderr].map(
    (stream) => new Promise<void>((resolve) => stream.write('', () => resolve())),
  );
  const over = new AbortController();
  const hurried = new Promise<void>((resolve) => {
    const start = () => setTimeout(resolve, HURRY_MILLISECONDS).unref();
    if (hurry.aborted) start();
    else hurry.addEventListener('abort', start, { once: true, signal: over.signal });
  });
  await Promise.race([Promise.all(drained), hurried]);
  over.abort();
}
