import { type Bench, type BenchRequest, type BenchRow, NOT_RUN } from './bench.ts';

/** What came of a benchmark: its rows, and why there are no more where it could not run, or failed. */
export interface BenchResult {
  readonly rows: readonly BenchRow[];
  readonly notRun?: string;
  readonly failed?: string;
}

/** Runs a benchmark and tells every row as it comes. Never throws: what has been measured before a failure is kept. */
export async function runBench(
  { devices = ['cpu'], run }: Bench,
  request: BenchRequest,
  told: (row: BenchRow) => void,
): Promise<BenchResult> {
  const rows: BenchRow[] = [];
  // Not asked for rather than missing: all benchmarks may be run for a card, of which most measure the processor.
  if (!devices.includes(request.device)) return { rows };
  try {
    for await (const more of run(request)) {
      for (const row of more) told(row);
      rows.push(...more);
    }
    return { rows };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return error instanceof Error && error.name === NOT_RUN ? { rows, notRun: reason } : { rows, failed: reason };
  }
}

/** The exit code where a benchmark failed, or its results could not be written. */
export const FAILED = 4;

/** The exit code of a run, by the worst that happened: 4 one failed, 3 one could not run, 1 a figure does not hold, else 0. */
export function exitCodeOf(results: Iterable<BenchResult>): 0 | 1 | 3 | typeof FAILED {
  const all = [...results];
  if (all.some(({ failed }) => failed !== undefined)) return FAILED;
  if (all.some(({ notRun }) => notRun !== undefined)) return 3;
  return all.some(({ rows }) => rows.some(({ holds }) => holds === false)) ? 1 : 0;
}
