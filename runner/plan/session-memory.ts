import type { Edge, Graph } from '../model/graph.ts';
import { createArena } from './arena.ts';
import { edgeBytes, executionOf, type Lengths } from './execution.ts';
import { type KernelsFor, kernelsOf } from './kernels.ts';
import { runInArena } from './run-memory.ts';

/** Memory of a loaded graph, in bytes. */
export interface SessionMemory {
  /** Its stored numbers in memory of its own: rearranged, in another type than in their file, or on a device. */
  readonly weights: number;
  /** Its stored numbers that are read where their file is mapped: the system may drop them and read them again. */
  readonly mapped: number;
  /**
   * Tensors that are alive at once while it runs, as the runtime's allocator holds them, and on a processor the loaded graph itself. They
   * stay until it is released.
   */
  readonly working: number;
  /** What loading takes for a moment: the largest stored tensor, beside its rearranged self. */
  readonly loading: number;
}

/** How a graph is loaded; `prepack`, on a processor: products compute over rearranged weights. */
export interface Loading extends KernelsFor {
  readonly prepack: boolean;
}

/**
 * Measured with the stand-in for CUDA: what an arena there holds, as a multiple of what its tensors would need one after another.
 * Runs after the first do not find its pieces in the places where they left them.
 */
const CUDA_PIECES = 1.15;

/** Measured on a processor: what the runtime keeps of an operation, beside its numbers. */
const OPERATION_BYTES = 5000;

/** Memory of a graph that is run over inputs of the given lengths, one run after another, again and again. */
export function sessionMemory(
  graph: Pick<Graph, 'operations' | 'inputs' | 'outputs'>,
  runs: readonly Lengths[],
  loading: Loading,
): SessionMemory {
  const { operations, folded } = executionOf(graph);
  const outside = new Set([...graph.inputs, ...graph.outputs].map(({ name }) => name));
  const arena = createArena(loading.kind === 'cpu' ? 'powerOfTwo' : 'asRequested');
  // What the runs before have left in pieces makes the second time larger than the first.
  for (const lengths of [...runs, ...runs]) runInArena(operations, outside, lengths, kernelsOf(loading), arena);
  const made = new Set(operations.flatMap(({ outputs }) => outputs.map(({ name }) => name)));
  const isConverted = new Set(folded.flatMap(({ outputs }) => outputs.map(({ name }) => name)));
  const constants = new Map<string, { edge: Edge; isOwn: boolean }>();
  for (const { op, inputs } of operations) {
    for (const edge of inputs) {
      if (outside.has(edge.name) || made.has(edge.name)) continue;
      const isProduct = loading.prepack && op === 'Gemm' && edge.shape.length === 2;
      const isFilter = loading.optimize === 'all' && op === 'Conv' && edge.shape.length === 4;
      const isRearranged = isProduct || isFilter;
      const isOwn = loading.kind === 'cuda' || isConverted.has(edge.name) || isRearranged;
      constants.set(edge.name, { edge, isOwn: isOwn || constants.get(edge.name)?.isOwn === true });
    }
  }
  const bytesOf = (isOwn: boolean) =>
    [...constants.values()].filter((one) => one.isOwn === isOwn).map(({ edge }) => edgeBytes(edge, {}));
  const own = bytesOf(true);
  return {
    weights: sum(own),
    mapped: sum(bytesOf(false)),
    working:
      loading.kind === 'cpu'
        ? arena.touched + OPERATION_BYTES * graph.operations.length
        : Math.ceil(arena.reserved * CUDA_PIECES),
    loading: Math.max(0, ...own),
  };
}

/** All together; of what loading takes, the most. */
export function sumOfSessions(all: readonly SessionMemory[]): SessionMemory {
  return {
    weights: sum(all.map(({ weights }) => weights)),
    mapped: sum(all.map(({ mapped }) => mapped)),
    working: sum(all.map(({ working }) => working)),
    loading: Math.max(0, ...all.map(({ loading }) => loading)),
  };
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
