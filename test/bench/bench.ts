/**
 * A figure against its peer, measured in the same run on the same machine: only the ratio is comparable between machines.
 * `better` says which direction of value is good; a ratio above 1 means ours is the better one.
 */
export interface BenchRow {
  readonly measure: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer: string;
  readonly theirs: number;
  readonly better: 'higher' | 'lower';
  /** Whether the figure is as wanted, and what is wanted; absent where nothing is. */
  readonly holds?: boolean;
  readonly threshold?: string;
}

/** A benchmark file of this folder exports one of these as `bench`. */
export interface Bench {
  readonly title: string;
  readonly run: () => Promise<readonly BenchRow[]>;
}

/** Ours against the peer's; above 1 is better, whichever direction the value has. */
export function ratioOf({ ours, theirs, better }: BenchRow): number {
  return better === 'higher' ? ours / theirs : theirs / ours;
}
