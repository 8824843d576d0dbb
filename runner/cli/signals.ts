/** What stopped a run, if anything did. */
export interface StopSignal {
  readonly signal: AbortSignal;
  readonly received: () => NodeJS.Signals | undefined;
  readonly dispose: () => void;
}

/** The first SIGINT or SIGTERM asks the run to stop cleanly; a second one ends the process at once. */
export function stopOnSignals(onFirst: (signal: NodeJS.Signals) => void): StopSignal {
  const controller = new AbortController();
  let received: NodeJS.Signals | undefined;
  const handle = (signal: NodeJS.Signals) => {
    if (received !== undefined) process.exit(signal === 'SIGINT' ? 130 : 143);
    received = signal;
    onFirst(signal);
    controller.abort();
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return {
    signal: controller.signal,
    received: () => received,
    dispose() {
      process.off('SIGINT', handle);
      process.off('SIGTERM', handle);
    },
  };
}
