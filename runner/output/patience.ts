/** How long to wait for an ffmpeg: it is slow, or it hangs, and the two can only be told by the clock. */

import { LONGEST_TIMER_MILLISECONDS, waitOf } from '#contract/waits.ts';

/** Longest waits for one program, as known from how fast it has been so far. */
export interface Patience {
  /** Longest wait, in milliseconds, until the program has taken or turned over `bytes` of pictures. */
  limit(bytes: number): number;
  /** Notes that `bytes` of pictures took the program `milliseconds`. */
  note(bytes: number, milliseconds: number): void;
}

/** Shortest wait: a machine that swaps, or a program that comes from a slow volume, is no reason to give up. */
const FLOOR_MILLISECONDS = 60_000;
/** Before anything is measured: a frame of 480p (1.2 MB) may take more than a second. */
const ASSUMED_MILLISECONDS_PER_BYTE = 1 / 1000;
/** How much slower than ever before the program may become. */
const FACTOR = 20;

/** `floor`, where given, is the whole wait instead: `DUALPARAL_FFMPEG_PATIENCE_SECONDS`, for machines that are slower still. */
export function createPatience(floor = patienceOf(process.env)): Patience {
  let slowest = 0;
  return {
    limit: (bytes) =>
      floor ?? Math.max(FLOOR_MILLISECONDS, bytes * Math.max(ASSUMED_MILLISECONDS_PER_BYTE, FACTOR * slowest)),
    note(bytes, milliseconds) {
      if (bytes > 0) slowest = Math.max(slowest, milliseconds / bytes);
    },
  };
}

/** The wait that the environment gives, in milliseconds. Throws `E_ENVIRONMENT_SECONDS`. */
export function patienceOf(environment: NodeJS.ProcessEnv): number | undefined {
  return waitOf(environment, 'DUALPARAL_FFMPEG_PATIENCE_SECONDS');
}

/** Stands for work that did not end in time. */
export const LATE = Symbol('late');

/** A wait is counted in this many beats of a timer: after a pause of the whole process only one of them comes at once. */
const BEATS = 4;

/** What `work` gives, or {@link LATE} once `milliseconds` have passed while this process was running. */
export async function within<T>(work: Promise<T>, milliseconds: number): Promise<T | typeof LATE> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    let beats = 0;
    timer = setInterval(() => {
      beats += 1;
      if (beats === BEATS) resolve(LATE);
    }, Math.min(milliseconds, LONGEST_TIMER_MILLISECONDS) / BEATS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearInterval(timer);
  }
}
