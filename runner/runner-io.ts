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

/** Who watches a run: `changed` is called when the phase or something worth showing at once has changed. */
export interface RunnerIo {
  readonly tracker: Tracker;
  readonly changed: () => void;
  readonly lanes: LaneSource;
  /** Called as soon as the film lies in its place: nothing that goes wrong later takes it back. */
  readonly published: (film: Film) => void;
  /** A run that fails or is stopped has kept the blocks that were finished as a film. */
  readonly kept: (partial: Film) => void;
  /** A run that fails or is stopped has left a checkpoint, made after so many iterations of all. */
  readonly resumable: (iterations: number, of: number) => void;
}
