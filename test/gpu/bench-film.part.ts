import { bench } from '../bench/film.bench.ts';
import { runBenchPart } from './bench-part.ts';
import type { PartContext } from './part.ts';

/** A whole film of the tiny model against PyTorch's, and when its first and last frames are there. */
export function run(context: PartContext): Promise<void> {
  return runBenchPart(bench, context);
}
