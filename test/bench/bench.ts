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

/** What was asked for on the command line. */
export interface BenchRequest {
  readonly device: 'cpu' | 'cuda';
  /** Lengths of windows and widths of layers, where a benchmark has several; its own where absent. */
  readonly tokens?: readonly number[];
  readonly widths?: readonly string[];
  /** Folder of the program to compare with, where a benchmark has one that is not of this repository. */
  readonly peer?: string;
  /** How much of something, by its name; the benchmark's own where absent. */
  readonly sizes?: Readonly<Record<string, number>>;
}

/** What of a request only some benchmarks read. */
export type Choice = 'tokens' | 'widths' | 'peer';

/** A benchmark file of this folder exports one of these as `bench`. */
export interface Bench {
  readonly title: string;
  /** Where it can run: the processor alone unless said. */
  readonly devices?: readonly BenchRequest['device'][];
  /** What it reads of a request besides the device, and the names of its sizes: nothing else can be asked of it. */
  readonly reads?: readonly Choice[];
  readonly sizes?: readonly string[];
  /** Rows as they come. Throws {@link notRun} where something is missing that it compares with. */
  readonly run: (request: BenchRequest) => AsyncIterable<readonly BenchRow[]>;
}

/** A benchmark that cannot run here, and what would make it. */
export function notRun(reason: string): Error {
  return Object.assign(new Error(reason), { name: NOT_RUN });
}

export const NOT_RUN = 'BenchNotRun';

/** Ours against the peer's; above 1 is better, whichever direction the value has. Nothing against nothing is 1. */
export function ratioOf({ ours, theirs, better }: BenchRow): number {
  if (ours === theirs) return 1;
  return better === 'higher' ? ours / theirs : theirs / ours;
}

/** A row as one line: both figures, their ratio, and whether it is as wanted. */
export function lineOf(row: BenchRow): string {
  const value = (number: number) => Number(number.toPrecision(4));
  const verdict = row.threshold === undefined ? '' : `; ${row.threshold}: ${row.holds ? 'holds' : 'does not hold'}`;
  return `${row.measure}: ${value(row.ours)} ${row.unit}; ${row.peer}: ${value(row.theirs)} ${row.unit}; ratio ${ratioOf(row).toFixed(3)}${verdict}`;
}

/** The middle one of several figures, of which there is one at least; the mean of the two middle ones where their number is even. */
export function medianOf(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}
