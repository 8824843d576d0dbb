import type { Edge, Graph, Operation } from '../model/graph.ts';
import type { Axis } from '../model/onnx.ts';
import { bytesPerElement } from '../tensor.ts';

/** Lengths of a graph's named axes; an axis whose name is a sum is as long as its parts. */
export type Lengths = Readonly<Record<string, number>>;

/** Bytes of an edge. */
export function edgeBytes({ dtype, shape }: Edge, lengths: Lengths): number {
  return shape.reduce<number>((product, axis) => product * lengthOf(axis, lengths), bytesPerElement(dtype));
}

function lengthOf(axis: Axis, lengths: Lengths): number {
  if (typeof axis === 'number') return axis;
  return axis.split('+').reduce((sum, part) => sum + lengths[part]!, 0);
}

/** What runs of a graph, in order, and what is computed where it is loaded because it consists of stored numbers alone. */
export interface Execution {
  readonly operations: readonly Operation[];
  readonly folded: readonly Operation[];
}

/** The order in which the runtime computes a graph (model/node-order.ts): depth first from the last end, the latest input first. */
export function executionOf({ operations, inputs }: Pick<Graph, 'operations' | 'inputs'>): Execution {
  const maker = new Map(operations.flatMap(({ outputs }, at) => outputs.map(({ name }) => [name, at] as const)));
  const folded = foldedOf(operations, new Set(inputs.map(({ name }) => name)), maker);
  const before = operations.map(({ inputs: read }) => {
    const makers = new Set(read.map(({ name }) => maker.get(name)).filter((at) => at !== undefined));
    return [...makers].filter((at) => !folded.has(at)).sort((a, b) => a - b);
  });
  const isRead = new Set(before.flat());
  const ends = [...operations.keys()].filter((at) => !isRead.has(at) && !folded.has(at));
  return {
    operations: depthFirst(ends, before).map((at) => operations[at]!),
    folded: [...folded].map((at) => operations[at]!),
  };
}

/** Places of the operations that read stored numbers alone. */
function foldedOf(
  operations: readonly Operation[],
  given: ReadonlySet<string>,
  maker: ReadonlyMap<string, number>,
): ReadonlySet<number> {
  const folded = new Set<number>();
  const isConstant = (name: string) => !given.has(name) && (!maker.has(name) || folded.has(maker.get(name)!));
  // Makers come before their readers, but for the ends, which nothing reads.
  for (const [at, { inputs }] of operations.entries()) {
    if (inputs.every(({ name }) => isConstant(name))) folded.add(at);
  }
  return folded;
}

/** Nodes in the order in which they are left. */
function depthFirst(ends: readonly number[], before: readonly (readonly number[])[]): readonly number[] {
  const order: number[] = [];
  const visited = new Set<number>();
  const stack = ends.map((node) => ({ node, isDone: false }));
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { node, isDone } = top;
    if (isDone) order.push(node);
    if (isDone || visited.has(node)) continue;
    visited.add(node);
    stack.push({ node, isDone: true }, ...before[node]!.map((input) => ({ node: input, isDone: false })));
  }
  return order;
}
