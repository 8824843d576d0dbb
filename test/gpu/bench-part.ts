import { type Bench, type BenchRequest, lineOf, ratioOf } from '../bench/bench.ts';
import { runBench } from '../bench/run-bench.ts';
import type { PartContext } from './part.ts';

/**
 * Runs a benchmark (test/bench) as a part: its rows, each with its ratio and, where something is wanted, whether it holds. A benchmark that
 * lacks what it compares with is not run, and has not failed.
 */
export async function runBenchPart(
  bench: Bench,
  { kind, note }: PartContext,
  only: Omit<BenchRequest, 'device'> = {},
): Promise<void> {
  const told = (row: Parameters<typeof lineOf>[0]) =>
    note(row.measure, { ...row, wanted: row.threshold, ratio: ratioOf(row), line: lineOf(row) });
  const { notRun, failed } = await runBench(bench, { device: kind, ...only }, told);
  if (notRun !== undefined) note('not run', { notRun });
  if (failed !== undefined) note('failed', { error: failed });
}
