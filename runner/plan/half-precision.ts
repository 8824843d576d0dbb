import type { Edge, Operation } from '../model/graph.ts';

/**
 * Half precision on a processor: the runtime has no arithmetic in it there, and computes in float32. It turns what comes into float32 in each
 * run, stored numbers too, and what goes back.
 */

/** Operations that only move numbers: for them it has kernels in every format. */
const MOVES: ReadonlySet<string> = new Set([
  ...['Cast', 'Reshape', 'Unsqueeze', 'Transpose', 'Concat', 'Slice', 'Split', 'Gather', 'ConstantOfShape'],
]);

/** Operations as the runtime computes them: what is in half precision is turned before and after. */
export function widened(operations: readonly Operation[]): readonly Operation[] {
  return operations.flatMap((operation, at) => {
    if (MOVES.has(operation.op)) return [operation];
    const wideOf = (edge: Edge): Edge =>
      isHalf(edge) ? { ...edge, name: `${edge.name} for ${at}`, dtype: 'F32' } : edge;
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

/** Whether numbers are in half precision. */
export function isHalf({ dtype }: Edge): boolean {
  return dtype === 'F16' || dtype === 'BF16';
}

function cast(from: Edge, to: Edge): Operation {
  return { op: 'Cast', inputs: [from], outputs: [to] };
}
