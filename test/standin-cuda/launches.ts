import type { Graph, Operation } from '../../runner/model/graph.ts';
import { edgeBytes, executionOf, type Lengths } from '../../runner/plan/execution.ts';
import type { LoggedEvent } from './log.ts';

/** Kernels of operations, by their names in the provider. An operation that has none here is not known to launch one. */
const KERNELS: readonly (readonly [operation: string, kernel: RegExp])[] = [
  ['Add', /BinaryElementWise.*OP_Add/],
  ['Mul', /BinaryElementWise.*OP_Mul/],
  ['Cast', /UnaryElementWise.*OP_Cast/],
  ['Split', /SplitKernel/],
  ['Concat', /ConcatKernel/],
  ['TensorScatter', /TensorScatterKernel/],
  ['LayerNormalization', /cuApplyLayerNormI\w+Lb0E/],
  ['RMSNormalization', /cuApplyLayerNormI\w+Lb1E/],
  ['SkipLayerNormalization', /SkipLayerNormKernel\w+Lb0E/],
  ['SkipSimplifiedLayerNormalization', /SkipLayerNormKernel\w+Lb1E/],
  ['RotaryEmbedding', /RotaryEmbedding/],
  ['MultiHeadAttention', /attention_kernel_batched/],
  ['Gelu', /FastGeluKernel/],
  ['FastGelu', /FastGeluKernel/],
];

/** An operator that joins has tables of its own. */
const FROM_HOST = 'copy from the host';

/** What is no work on a device. */
const NO_WORK = new Set(['wait', 'allocate', 'free', 'device', 'peer']);

/**
 * What a device did in one run of a graph that no operation of it accounts for, and what operations should have done and nobody did: both
 * empty where the graph says all. A pass that the provider adds by itself is in the former.
 */
export function unaccounted(
  graph: Pick<Graph, 'operations' | 'inputs'>,
  lengths: Lengths,
  events: readonly LoggedEvent[],
): { readonly done: readonly string[]; readonly notDone: readonly string[] } {
  const expected = executedOf(graph).flatMap((operation) => workOf(operation, lengths));
  const done: string[] = [];
  for (const { name, words } of events.filter((event) => !NO_WORK.has(event.name))) {
    const work = kindsOf(name, words);
    const at = expected.findIndex((one) => work.includes(one));
    if (at < 0) done.push([name, ...words].join(' '));
    else expected.splice(at, 1);
  }
  return { done, notDone: expected };
}

/** The operations that a run computes: none that reads stored numbers alone, and one for all that compute the same of the same. */
export function executedOf(graph: Pick<Graph, 'operations' | 'inputs'>): readonly Operation[] {
  const firstOf = new Map<string, Operation>();
  const merged = new Map<string, string>();
  for (const operation of executionOf(graph).operations) {
    const { op, inputs, outputs } = operation;
    const read = inputs.map(({ name }) => merged.get(name) ?? name);
    const key = [op, ...read, ...outputs.map(({ dtype, shape }) => `${dtype}[${shape}]`)].join(' ');
    const first = firstOf.get(key);
    if (first === undefined) firstOf.set(key, operation);
    for (const [at, { name }] of outputs.entries()) if (first !== undefined) merged.set(name, first.outputs[at]!.name);
  }
  return [...firstOf.values()];
}

/** What an operation has a device do. */
function workOf({ op, inputs, outputs }: Operation, lengths: Lengths): readonly string[] {
  if (op === 'Reshape') return [];
  // The bias is a product of its own, with ones.
  if (op === 'Gemm') return inputs.length === 3 ? ['product', 'product'] : ['product'];
  if (op === 'Slice') return [`copy of ${edgeBytes(outputs[0]!, lengths)} bytes`];
  if (op === 'Concat') return [op, ...Array.from({ length: 4 }, () => FROM_HOST)];
  // Of nothing there is nothing to write.
  if (op === 'TensorScatter' && edgeBytes(inputs[1]!, lengths) === 0) return [];
  return [op];
}

/** What an event may be, in the words of {@link workOf}. */
function kindsOf(name: string, words: readonly string[]): readonly string[] {
  const [first = '', , to, , bytes] = words;
  if (name === 'launch') return KERNELS.filter(([, kernel]) => kernel.test(first)).map(([operation]) => operation);
  if (name === 'product') return first.startsWith('cublas') ? ['product'] : [];
  if (name !== 'copy') return [];
  if (first === '-1') return [FROM_HOST];
  return first === to ? [`copy of ${bytes} bytes`] : [];
}
