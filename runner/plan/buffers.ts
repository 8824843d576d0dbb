import type { Edge, Operation } from '../model/graph.ts';

/** The buffer of every edge that a run makes inside itself: the name of the first edge in it. */
export type Buffers = ReadonlyMap<string, string>;

/** Operations that only see their input otherwise. */
const VIEWS = new Set(['Reshape', 'Unsqueeze']);

/**
 * Buffers as the runtime's allocation planner has them: a result takes that of one of the same shape that nothing reads any more,
 * the latest of them, or else one of its own. Only where all lengths are numbers: the runtime loses the others' names on the way. No
 * operation writes over an input (measured on a processor and, by what it allocates, with the stand-in for CUDA). A buffer is kept from
 * its first edge to the last use of its last one, also where nobody needs it in between.
 */
export function planBuffers(operations: readonly Operation[], outside: ReadonlySet<string>): Buffers {
  const buffers = new Map<string, string>();
  const shapes = new Map<string, string>();
  const dead: string[] = [];
  const readers = countReaders(operations);
  const uses = new Map<string, number>();

  const shapeOf = ({ dtype, shape }: Edge) => `${dtype}${shape}`;

  function put(edge: Edge, buffer: string): void {
    buffers.set(edge.name, buffer);
    uses.set(buffer, (uses.get(buffer) ?? 0) + (readers.get(edge.name) ?? 0));
  }

  /** A buffer that a result may take over, or one of its own. */
  function bufferFor(output: Edge): string {
    if (!output.shape.every((axis) => typeof axis === 'number')) return output.name;
    const at = dead.findLastIndex((one) => shapes.get(one) === shapeOf(output));
    return at < 0 ? output.name : dead.splice(at, 1)[0]!;
  }

  function place(operation: Operation, output: Edge): void {
    if (outside.has(output.name)) return;
    if (VIEWS.has(operation.op)) {
      const seen = buffers.get(operation.inputs[0]!.name);
      if (seen !== undefined) put(output, seen);
      return;
    }
    const buffer = bufferFor(output);
    shapes.set(buffer, shapeOf(output));
    put(output, buffer);
  }

  function read({ name }: Edge): void {
    const buffer = buffers.get(name);
    if (buffer === undefined) return;
    const left = uses.get(buffer)! - 1;
    uses.set(buffer, left);
    if (left === 0) dead.push(buffer);
  }

  for (const operation of operations) {
    for (const output of operation.outputs) place(operation, output);
    for (const input of operation.inputs) read(input);
    const unread = operation.outputs.map(({ name }) => buffers.get(name)).filter((buffer) => buffer !== undefined);
    for (const buffer of unread) if (uses.get(buffer) === 0 && !dead.includes(buffer)) dead.push(buffer);
  }
  return buffers;
}

/** How often each edge is read. */
function countReaders(operations: readonly Operation[]): ReadonlyMap<string, number> {
  const readers = new Map<string, number>();
  for (const { inputs } of operations) {
    for (const { name } of inputs) readers.set(name, (readers.get(name) ?? 0) + 1);
  }
  return readers;
}
