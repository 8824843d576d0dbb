/** What stopped a run, if anything did. */
export interface StopSignal {
  readonly signal: AbortSignal;
  readonly received: () => NodeJS.Signals | undefined;
  readonly dispose: () => void;
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
type Stopping = keyof typeof EXIT_CODES;

let onFirst: ((signal: Stopping) => void) | undefined;

/** From now on SIGINT and SIGTERM end the process at once, unless a run has asked to stop cleanly on the first of them. */
export function listenForSignals(): void {
  for (const signal of Object.keys(EXIT_CODES) as Stopping[]) process.on(signal, () => handle(signal));
}

function handle(signal: Stopping): void {
  const stop = onFirst;
  onFirst = undefined;
  if (stop === undefined) process.exit(EXIT_CODES[signal]);
  stop(signal);
}

/** The first SIGINT or SIGTERM asks the run to stop cleanly; a second one ends the process at once. */
export function stopOnSignals(onStop: (signal: NodeJS.Signals) => void): StopSignal {
  const controller = new AbortController();
  let received: NodeJS.Signals | undefined;
  onFirst = (signal) => {
    received = signal;
    onStop(signal);
    controller.abort();
  };
  return {
    signal: controller.signal,
    received: () => received,
    dispose() {
      onFirst = undefined;
    },
  };
}
