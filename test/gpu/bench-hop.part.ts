import { bench } from '../bench/hop.bench.ts';
import { runBenchPart } from './bench-part.ts';
import type { PartContext } from './part.ts';

/** Hidden states from stage to stage against CUDA's own copy. */
export function run(context: PartContext): Promise<void> {
  return runBenchPart(bench, context);
}
