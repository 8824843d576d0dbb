import type { Film, Quality } from '#contract/result.ts';
import type { Lane, Tracker } from './report/tracker.ts';

/** Reads what each stage is doing; nothing while no pipeline runs. */
export interface LaneSource {
  read: () => readonly Lane[];
}

/** What a run has made; the quality is absent where it could not be measured. */
export interface Made {
  readonly film: Film;
  readonly quality?: Quality;
}

/** A checkpoint that the same film, started again, goes on from: made after so many iterations of all. */
export interface GoingOn {
  readonly iteration: number;
  readonly of: number;
}

/** Who watches a run: `changed` is called when the phase or something worth showing at once has changed. */
export interface RunnerIo {
  readonly tracker: Tracker;
  readonly changed: () => void;
  readonly lanes: LaneSource;
  /** Called as soon as the film lies in its place: nothing that goes wrong later takes it back. */
  readonly published: (film: Film) => void;
  /** A run that fails or is stopped has kept the blocks that were finished as a film. */
  readonly kept: (partial: Film) => void;
  /** From now on there is this checkpoint to go on from, or none any more. */
  readonly resumable: (from: GoingOn | undefined) => void;
}
