/**
 * Purpose of this folder: what graphs for CUDA ask of a device, counted without one: launches and copies as the real provider logs them
 * over a CUDA runtime that computes nothing, bytes by the graphs' own shapes.
 */

import type { Graph, Operation } from '../../runner/model/graph.ts';
import { edgeBytes, type Lengths } from '../../runner/plan/execution.ts';
import { executedOf } from './launches.ts';

/** Bound by arithmetic, or no kernel at all. */
const NOT_MEMORY_BOUND = new Set(['Gemm', 'MultiHeadAttention', 'Attention', 'Reshape']);

/**
 * Bytes that a graph's memory-bound operations read and write in a run, by operation; a product's bias counts as the two passes that it
 * costs. That a device does no more than these operations say is another test's (launches.ts).
 */
export function traffic(
  graph: Pick<Graph, 'operations' | 'inputs'>,
  lengths: Lengths,
): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  const add = (name: string, bytes: number) => {
    sums[name] = (sums[name] ?? 0) + bytes;
  };
  for (const { op, inputs, outputs } of executedOf(graph)) {
    if (op === 'Gemm' && inputs.length === 3) add('bias of a product', 2 * bytesOf(outputs, lengths));
    if (NOT_MEMORY_BOUND.has(op)) continue;
    if (op === 'TensorScatter') {
      // Into memory that it is given: only what is new is read and written.
      add(op, 2 * bytesOf(inputs.slice(1, 2), lengths));
      continue;
    }
    const read = op === 'Slice' ? bytesOf(outputs, lengths) : bytesOf(inputs, lengths);
    add(op, read + bytesOf(outputs, lengths));
  }
  return sums;
}

function bytesOf(edges: Operation['inputs'], lengths: Lengths): number {
  return edges.reduce((sum, edge) => sum + edgeBytes(edge, lengths), 0);
}
