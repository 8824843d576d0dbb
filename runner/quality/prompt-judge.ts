/** Shares of frames, or of steps from frame to frame, that are as the prompt wants them. */
export interface Adherence {
  readonly background: number;
  readonly colour: number;
  readonly shape: number;
  readonly size: number;
  readonly step: number;
  /** Frames in which there is an object at all. */
  readonly object: number;
  /** Whether the mean motion has the wanted direction; null with nothing to tell it from. */
  readonly direction: boolean | null;
}

/** The judgement of a film, and of each quarter of its length. */
export interface FilmAdherence extends Adherence {
  readonly quarters: readonly Adherence[];
  /** Joins of blocks, and those through which the object moves on as before; none where it stands and should not. */
  readonly joins: number;
  readonly joinsKept: number;
  /** Everything is right in at least nine tenths of the frames and steps. */
  readonly isRight: boolean;
}

/** Judges a film by its prompt, frame by frame. Which prompts can be judged, and how, is known to a world of its own (`tiny-world/`). */
export interface PromptJudge {
  /** The next frame is the first of a block. */
  openBlock(): void;
  add(rgb: Uint8Array): void;
  result(): FilmAdherence;
}
