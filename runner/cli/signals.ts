import { isSupervised, onParentGone } from './parent-link.ts';

/** Signals that ask a run to stop. SIGTERM is the cluster's way: the film may go on elsewhere. */
export const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;
export type StopSignalName = (typeof STOP_SIGNALS)[number];

/** Whether and how a run was told to stop. */
export interface Stop {
  readonly signal: AbortSignal;
  readonly received: () => StopSignalName | undefined;
}

/** How long a run may go on once nobody watches over it any more. */
const ORPHAN_PATIENCE_MILLISECONDS = 20_000;
const SIGNAL_EXIT = { SIGTERM: 143, SIGINT: 130, SIGQUIT: 130 } as const;

let latest: Stop | undefined;

/** Aborts when this process is told to stop; one that never does before a run listens for signals. */
export function stopSignal(): AbortSignal {
  return latest?.signal ?? new AbortController().signal;
}

/**
 * From now on the first signal asks the run to stop cleanly, and so does the death of the parent. Before this call a signal ends
 * the process at once, as it is the system's custom; the parent knows what to say then. A second signal is the parent's to
 * act on; without a parent it ends the process at once.
 */
export function stopOnSignals(onStop: (signal: StopSignalName) => void): Stop {
  const controller = new AbortController();
  let received: StopSignalName | undefined;
  function hear(signal: StopSignalName): void {
    if (received !== undefined) {
      if (!isSupervised()) process.exit(SIGNAL_EXIT[signal]);
      return;
    }
    received = signal;
    onStop(signal);
    controller.abort();
  }
  for (const signal of STOP_SIGNALS) process.on(signal, () => hear(signal));
  onParentGone(() => {
    hear('SIGTERM');
    // The group holds this process and its ffmpeg.
    setTimeout(() => process.kill(-process.pid, 'SIGKILL'), ORPHAN_PATIENCE_MILLISECONDS).unref();
  });
  latest = { signal: controller.signal, received: () => received };
  return latest;
}
