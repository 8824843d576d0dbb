import { bench } from '../bench/layers.bench.ts';
import { runBenchPart } from './bench-part.ts';
import type { PartContext } from './part.ts';

/** Layers and block-steps in turns with PyTorch's, at the length of a 480p window; shorter ones are in the parts `speed` and `torch`. */
export function run(context: PartContext): Promise<void> {
  const only = context.small ? { widths: ['tiny'] } : { widths: ['1.3B', '14B'], tokens: [18_720] };
  return runBenchPart(bench, context, only);
}
