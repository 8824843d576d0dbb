import type { Edge, Graph } from '../model/graph.ts';
import type { Arena, Chunk } from './arena.ts';
import { edgeBytes } from './execution.ts';
import { kernelsOf } from './kernels.ts';
import { runInArena } from './run-memory.ts';
import { executionFor, type Loading, portsOf } from './session-memory.ts';

/** A graph of fixed lengths that takes turns with others in a device's arena. */
export interface Turn {
  /** Copies its inputs from the host anew, as another item's are, and runs it. */
  run(): void;
  /** Gives back the last copies. */
  release(): void;
}

/** Loads a graph into an arena, without its numbers. */
export function turnInArena(
  graph: Pick<Graph, 'operations' | 'inputs' | 'outputs'>,
  loading: Loading,
  arena: Arena,
): Turn {
  const { operations } = executionFor(graph, loading);
  const ports = portsOf(graph, loading);
  const kernels = kernelsOf(loading);
  const copied = graph.inputs.filter(({ name }) => ports.copied.has(name));
  const copies = new Map<string, Chunk>();
  const copy = (edge: Edge) => {
    const before = copies.get(edge.name);
    copies.set(edge.name, arena.take(edgeBytes(edge, {})));
    // The one before goes once the new one is there.
    if (before !== undefined) arena.give(before);
  };
  return {
    run() {
      for (const edge of copied) copy(edge);
      runInArena(operations, ports, {}, kernels, arena);
    },
    release() {
      for (const chunk of copies.values()) arena.give(chunk);
      copies.clear();
    },
  };
}

/** Of turns one after another, by name, each pair of neighbours so often at most: with more of them nothing more is taken. */
export function shortened(turns: readonly string[], most: number): readonly string[] {
  const seen = new Map<string, number>();
  return turns.filter((turn, at) => {
    const pair = `${turns[at - 1]} → ${turn}`;
    const count = (seen.get(pair) ?? 0) + 1;
    seen.set(pair, count);
    return count <= most;
  });
}
