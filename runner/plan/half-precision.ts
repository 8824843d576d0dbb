import type { Edge, Operation } from '../model/graph.ts';

/**
 * Half precision on a processor: the runtime has no arithmetic in it there, and computes in float32. It keeps stored numbers in float32
 * as well, and turns what comes and goes into float32 and back.
 */

/** Operations that only move numbers: for them it has kernels in every format. */
const MOVES: ReadonlySet<string> = new Set([
  ...['Cast', 'Reshape', 'Unsqueeze', 'Transpose', 'Concat', 'Slice', 'Split', 'Gather', 'ConstantOfShape'],
]);

const WIDENED = Symbol('widened');

/** Operations as the runtime computes them: what is in half precision is turned before and after. `isStored` tells stored numbers by their names. */
export function widened(operations: readonly Operation[], isStored: (name: string) => boolean): readonly Operation[] {
  return operations.flatMap((operation, at) => {
    if (MOVES.has(operation.op)) return [operation];
    const wideOf = (edge: Edge) =>
      isHalf(edge) ? wide(edge, isStored(edge.name) ? edge.name : `${edge.name} for ${at}`) : edge;
    const [inputs, outputs] = [operation.inputs.map(wideOf), operation.outputs.map(wideOf)];
    const turned = (from: readonly Edge[], to: readonly Edge[]) =>
      from.flatMap((edge, index) => (edge.name === to[index]!.name ? [] : [cast(edge, to[index]!)]));
    return [
      ...turned(operation.inputs, inputs),
      { ...operation, inputs, outputs },
      ...turned(operation.outputs, outputs).map(({ inputs: [half], outputs: [made] }) => cast(made!, half!)),
    ];
  });
}

/** Whether an edge of {@link widened} operations is in half precision by its graph. */
export function isWidened(edge: Edge): boolean {
  return WIDENED in edge;
}

function isHalf({ dtype }: Edge): boolean {
  return dtype === 'F16' || dtype === 'BF16';
}

function wide(edge: Edge, name: string): Edge {
  return Object.assign({ ...edge, name, dtype: 'F32' } as const, { [WIDENED]: true });
}

function cast(from: Edge, to: Edge): Operation {
  return { op: 'Cast', inputs: [from], outputs: [to] };
}
