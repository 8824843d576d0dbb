import { waitOf } from '#contract/waits.ts';

/** How long a piece of work may take before its thread counts as stuck. */
export interface PatienceSettings {
  /** While the driver is asked for its GPUs, and again while the runtime's half a gigabyte of CUDA libraries is tried, from a disk that may be a network's. */
  readonly lookMilliseconds: number;
  /** While it loads: its files may come from a slow disk. */
  readonly loadMilliseconds: number;
  /** While no piece has been finished yet, so that nothing is known of the model, the picture and the device. */
  readonly firstMilliseconds: number;
  /** At least this long, however fast the pieces before were: a machine has other things to do. */
  readonly leastMilliseconds: number;
  /** As many times the slowest piece so far. */
  readonly factor: number;
}

/** Nothing that works is ever near these; what is past them would hold its devices for ever. */
export const PATIENCE: PatienceSettings = {
  lookMilliseconds: 60_000,
  loadMilliseconds: 3_600_000,
  firstMilliseconds: 3_600_000,
  leastMilliseconds: 180_000,
  factor: 30,
};

/** How often somebody should look. */
export const LOOK_EVERY_MILLISECONDS = 1000;

/** Watches one thread's pieces of work, all of about the same size. */
export interface Patience {
  /**
   * To be called again and again: `done` pieces are finished, `isBusy` says whether there is one in hand. Gives the milliseconds
   * that it has taken, once they are more than it may take; undefined otherwise.
   */
  look(done: number, isBusy: boolean, nowMilliseconds: number): number | undefined;
}

/**
 * Measures by the looks themselves. Between two of them at most a few intervals count: a process that was stopped for an hour,
 * or a laptop that slept, has not been stuck for an hour.
 */
export function createPatience(settings: PatienceSettings = PATIENCE): Patience {
  const { firstMilliseconds, leastMilliseconds, factor } = settings;
  let slowest: number | undefined;
  let seen = 0;
  let spent = 0;
  let last: number | undefined;
  return {
    look(done, isBusy, now) {
      spent += Math.min(now - (last ?? now), 5 * LOOK_EVERY_MILLISECONDS);
      last = now;
      if (done !== seen) {
        slowest = Math.max(slowest ?? 0, spent);
        seen = done;
        spent = 0;
      } else if (!isBusy) spent = 0;
      const limit = slowest === undefined ? firstMilliseconds : Math.max(leastMilliseconds, factor * slowest);
      return spent > limit ? spent : undefined;
    },
  };
}

/** The patience with a thread's loading, which is one piece of work. */
export function loadingPatience(settings: PatienceSettings = PATIENCE): Patience {
  return createPatience({ ...settings, firstMilliseconds: settings.loadMilliseconds });
}

/** The settings with all times from `DUALPARAL_PATIENCE_SECONDS`, if that is set. Throws `E_ENVIRONMENT_SECONDS`. */
export function patienceOf(environment: NodeJS.ProcessEnv): PatienceSettings {
  const milliseconds = waitOf(environment, 'DUALPARAL_PATIENCE_SECONDS');
  if (milliseconds === undefined) return PATIENCE;
  return {
    ...PATIENCE,
    lookMilliseconds: milliseconds,
    loadMilliseconds: milliseconds,
    firstMilliseconds: milliseconds,
    leastMilliseconds: milliseconds,
  };
}
