import type { Graph } from '../../runner/model/graph.ts';
import { graphBuilder } from '../../runner/model/graph.ts';
import { onnxBytes } from '../../runner/model/onnx.ts';
import { CONTRIB } from '../../runner/model/ops.ts';
import type { DType, FloatType } from '../../runner/tensor.ts';
import { errors, load, numbersOf, timed } from './measure.ts';
import type { PartContext } from './part.ts';

/** GroupQueryAttention comes last: without present keys among its outputs it has ended the process on CUDA. */
const OPERATORS = ['Attention', 'MultiHeadAttention', 'GroupQueryAttention'] as const;
type Operator = (typeof OPERATORS)[number];

/** Kernels that the runtime may be told to leave out or to prefer, by its own environment variables. */
const CHOICES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'by itself': {},
  'cuDNN on': { ORT_ENABLE_CUDNN_FLASH_ATTENTION: '1' },
  'cuDNN off': { ORT_ENABLE_CUDNN_FLASH_ATTENTION: '0' },
};
const NAMES_KERNEL = 'ORT_ENABLE_ATTENTION_KERNEL_DEBUG_INFO';
const HEAD = 128;

export function attentionGraph(operator: Operator, dtype: FloatType, heads: number): Graph {
  if (operator === 'GroupQueryAttention') return groupQueryGraph(dtype, heads);
  const g = graphBuilder(operator, new Map());
  const shape = [1, 'S', heads * HEAD];
  const [q, k, v] = ['q', 'k', 'v'].map((name) => g.input(name, dtype, shape));
  const count = BigInt(heads);
  const result = { dtype, shape };
  if (operator === 'Attention') {
    g.output('y', g.node(operator, [q!, k!, v!], result, { q_num_heads: count, kv_num_heads: count }));
  } else {
    g.output('y', g.node(operator, [q!, k!, v!], result, { num_heads: count }, CONTRIB));
  }
  return g.finish();
}

/** Written by hand: its kernel wants places for the present keys and values, which are more outputs than a builder's node has. */
function groupQueryGraph(dtype: FloatType, heads: number): Graph {
  const port = (name: string, shape: readonly (string | number)[], type: DType = dtype) => ({
    name,
    dtype: type,
    shape,
  });
  const rows = [1, 'S', heads * HEAD];
  const present = [1, heads, 'S', HEAD];
  const inputs = [
    port('q', rows),
    port('k', rows),
    port('v', rows),
    port('last', [1], 'I32'),
    port('total', [1], 'I32'),
  ];
  const outputs = [port('y', rows), port('presentk', present), port('presentv', present)];
  const attributes = { num_heads: BigInt(heads), kv_num_heads: BigInt(heads), causal: 0n };
  const node = {
    op: 'GroupQueryAttention',
    domain: CONTRIB,
    inputs: ['q', 'k', 'v', '', '', 'last', 'total'],
    outputs: outputs.map(({ name }) => name),
    attributes,
  };
  const bytes = onnxBytes({ name: node.op, opset: 23, inputs, outputs, nodes: [node], initializers: [] });
  return { bytes, inputs, outputs, weights: [], weightBytes: 0 };
}

function given(tokens: number) {
  return { last: Int32Array.of(tokens - 1), total: Int32Array.of(tokens) };
}

/** Which attention operator is right, and which is fastest. */
export async function run(context: PartContext): Promise<void> {
  for (const operator of OPERATORS) {
    for (const [choice, environment] of Object.entries(CHOICES)) {
      Object.assign(process.env, environment);
      await judge(context, operator, choice);
      for (const name of Object.keys(environment)) delete process.env[name];
    }
  }
}

async function judge(context: PartContext, operator: Operator, choice: string): Promise<void> {
  const types: readonly FloatType[] = context.kind === 'cpu' ? ['F32'] : ['BF16', 'F16'];
  process.env[NAMES_KERNEL] = '1';
  for (const dtype of types) await right(context, operator, dtype, choice);
  delete process.env[NAMES_KERNEL];
  for (const heads of context.small ? [2] : [12, 40]) {
    for (const dtype of types) await fast(context, operator, dtype, heads, choice);
  }
}

const cpu = { kind: 'cpu', index: 0, name: 'cpu:0' } as const;

async function right({ attempt, devices }: PartContext, operator: Operator, dtype: FloatType, choice: string) {
  const [device] = devices(1);
  await attempt(`${operator} in ${dtype}, ${choice}, 512 tokens × 4 heads`, () => {
    const lengths = { S: 512 };
    const [found, wanted] = [
      load(attentionGraph(operator, dtype, 4), { device: device!, lengths, given: given(512), readable: true }),
      load(attentionGraph('MultiHeadAttention', 'F32', 4), { device: cpu, lengths, readable: true }),
    ];
    for (const { binding } of [found, wanted]) binding.run();
    const values = errors(numbersOf(found.outputs.get('y')!), numbersOf(wanted.outputs.get('y')!));
    for (const { release } of [found, wanted]) release();
    return values;
  });
}

async function fast(context: PartContext, operator: Operator, dtype: FloatType, heads: number, choice: string) {
  const [device] = context.devices(1);
  const tokens = context.small ? 64 : 18_720;
  await context.attempt(`${operator} in ${dtype}, ${choice}, ${tokens} tokens × ${heads} heads`, () => {
    const graph = attentionGraph(operator, dtype, heads);
    const { binding, release } = load(graph, { device: device!, lengths: { S: tokens }, given: given(tokens) });
    const times = timed(() => binding.run(), 5);
    release();
    return { ...times, teraflops: (4 * tokens * tokens * heads * HEAD) / times.milliseconds / 1e9 };
  });
}
