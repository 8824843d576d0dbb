import type { Operation } from '../model/graph.ts';
import type { Arena, Chunk } from './arena.ts';
import { type Buffers, planBuffers } from './buffers.ts';
import { edgeBytes, type Lengths } from './execution.ts';

/** What is known about a device's kernels. */
export interface Kernels {
  /** Bytes that an operation has for itself while it runs, in pieces. */
  readonly scratchOf: (operation: Operation, lengths: Lengths) => readonly number[];
  /** Operations that may write over an input. */
  readonly writesOver: ReadonlySet<string>;
}

/**
 * Runs operations in an arena, without their numbers. `outside` are the names of inputs and outputs, which have their memory
 * elsewhere.
 */
export function runInArena(
  operations: readonly Operation[],
  outside: ReadonlySet<string>,
  lengths: Lengths,
  { scratchOf, writesOver }: Kernels,
  arena: Arena,
): void {
  const buffers = planBuffers(operations, outside, writesOver);
  const dying = deaths(operations, buffers);
  const chunks = new Map<string, Chunk>();
  for (const [at, operation] of operations.entries()) {
    for (const edge of operation.outputs) {
      const buffer = buffers.get(edge.name);
      if (buffer !== undefined && !chunks.has(buffer)) chunks.set(buffer, arena.take(edgeBytes(edge, lengths)));
    }
    const scratch = scratchOf(operation, lengths).map((bytes) => arena.take(bytes));
    for (const chunk of [...scratch, ...(dying.get(at) ?? []).map((buffer) => chunks.get(buffer))]) {
      if (chunk !== undefined) arena.give(chunk);
    }
  }
}

/** The buffers that are used for the last time, by operation. */
function deaths(operations: readonly Operation[], buffers: Buffers): ReadonlyMap<number, readonly string[]> {
  const lastUse = new Map<string, number>();
  for (const [at, { inputs, outputs }] of operations.entries()) {
    for (const { name } of [...inputs, ...outputs]) {
      const buffer = buffers.get(name);
      if (buffer !== undefined) lastUse.set(buffer, at);
    }
  }
  const dying = new Map<number, string[]>();
  for (const [buffer, at] of lastUse) dying.set(at, [...(dying.get(at) ?? []), buffer]);
  return dying;
}
