import { LAST_WORDS_SECONDS } from '#contract/stop-time.ts';

/** What is known of a run's pace, in milliseconds; undefined until it was seen. */
export interface Pace {
  /** Of an iteration. */
  readonly iteration: number | undefined;
  /** Of writing a checkpoint. */
  readonly write: number | undefined;
}

/** For an iteration where none is over yet: giving up then loses less than one. For a checkpoint where none was written yet. */
const USUAL_PATIENCE_MILLISECONDS = 20_000;
const LEAST_PATIENCE_MILLISECONDS = 5000;
/** Others may have become busy since. */
const SLACK = 2;

/**
 * How long a stop waits for the last checkpoint: as long as an iteration and a write may take, if that is within the milliseconds that the
 * run has to stop in; of them some are left to say what happened.
 */
export function stopPatience({ iteration, write }: Pace, stopMilliseconds: number): number {
  const most = Math.max(stopMilliseconds - 1000 * LAST_WORDS_SECONDS, stopMilliseconds / 2);
  return Math.min(most, Math.max(LEAST_PATIENCE_MILLISECONDS, wantedPatience(iteration, write)));
}

function wantedPatience(iteration: number | undefined, write: number | undefined): number {
  if (iteration === undefined) return USUAL_PATIENCE_MILLISECONDS;
  return SLACK * iteration + (write === undefined ? USUAL_PATIENCE_MILLISECONDS : SLACK * write);
}

/** Learns a run's pace from moments in milliseconds, of any clock that only goes forwards. */
export interface PaceWatch {
  pace(): Pace;
  /** Denoising begins. */
  begin(at: number): void;
  /** An iteration is over; the next one begins. */
  iterationOver(at: number): void;
  /** A checkpoint was written, begun at `since`. */
  written(since: number, at: number): void;
}

/** What the last iteration took, and the last checkpoint. An iteration whose begin was not seen says nothing. */
export function watchPace(): PaceWatch {
  let began: number | undefined;
  let pace: Pace = { iteration: undefined, write: undefined };
  return {
    pace: () => pace,
    begin(at) {
      began ??= at;
    },
    iterationOver(at) {
      if (began !== undefined) pace = { ...pace, iteration: at - began };
      began = at;
    },
    written(since, at) {
      pace = { ...pace, write: at - since };
    },
  };
}
