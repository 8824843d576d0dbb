import type { Edge, Operation } from '../model/graph.ts';
import type { Arena, Chunk } from './arena.ts';
import { type Buffers, planBuffers } from './buffers.ts';
import { edgeBytes, type Lengths } from './execution.ts';

/** What is known about a device's kernels. */
export interface Kernels {
  /** Bytes that an operation has for itself while it runs, in pieces. */
  readonly scratchOf: (operation: Operation, lengths: Lengths) => readonly number[];
}

/** A graph's inputs and outputs. */
export interface Ports {
  /** Names of all of them: none takes over another's memory, and they have theirs elsewhere. */
  readonly outside: ReadonlySet<string>;
  /** But for those that come from the host, or go there: they are copied through the arena. */
  readonly copied: ReadonlySet<string>;
}

/** Runs operations in an arena, without their numbers. */
export function runInArena(
  operations: readonly Operation[],
  { outside, copied }: Ports,
  lengths: Lengths,
  { scratchOf }: Kernels,
  arena: Arena,
): void {
  const buffers = planBuffers(operations, outside);
  const dying = deaths(operations, buffers);
  const chunks = new Map<string, Chunk>();
  const give = (buffer: string) => {
    arena.give(chunks.get(buffer)!);
    chunks.delete(buffer);
  };
  const bufferOf = ({ name }: Edge) => buffers.get(name) ?? (copied.has(name) ? name : undefined);
  const take = (edge: Edge) => {
    const buffer = bufferOf(edge);
    if (buffer !== undefined && !chunks.has(buffer)) chunks.set(buffer, arena.take(edgeBytes(edge, lengths)));
  };
  for (const [at, operation] of operations.entries()) {
    for (const edge of operation.outputs) take(edge);
    for (const chunk of scratchOf(operation, lengths).map((bytes) => arena.take(bytes))) arena.give(chunk);
    for (const buffer of dying.get(at) ?? []) give(buffer);
  }
  // What nobody reads is given back by nobody before the run is over.
  for (const buffer of [...chunks.keys()]) give(buffer);
  arena.endRun();
}

/** The buffers that are read for the last time, by operation. */
function deaths(operations: readonly Operation[], buffers: Buffers): ReadonlyMap<number, readonly string[]> {
  const lastUse = new Map<string, number>();
  for (const [at, { inputs }] of operations.entries()) {
    for (const { name } of inputs) {
      const buffer = buffers.get(name);
      if (buffer !== undefined) lastUse.set(buffer, at);
    }
  }
  const dying = new Map<number, string[]>();
  for (const [buffer, at] of lastUse) dying.set(at, [...(dying.get(at) ?? []), buffer]);
  return dying;
}
