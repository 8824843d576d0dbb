import { ATTENTION_OPERATORS, attentionOperator } from '../../runner/model/attention-operator.ts';
import type { Graph } from '../../runner/model/graph.ts';
import { graphBuilder } from '../../runner/model/graph.ts';
import { CONTRIB } from '../../runner/model/ops.ts';
import type { FloatType } from '../../runner/tensor.ts';
import { judged, MOST_RELATIVE, relativeWithin } from './judge.ts';
import { errors, load, numbersOf, timed } from './measure.ts';
import type { PartContext } from './part.ts';

/** GroupQueryAttention comes last: without present keys among its outputs it has ended the process on CUDA. */
const OPERATORS = [...ATTENTION_OPERATORS, 'GroupQueryAttention'] as const;
type Operator = (typeof OPERATORS)[number];

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

/** Its kernel wants places for the present keys and values: without them it has ended the process. */
function groupQueryGraph(dtype: FloatType, heads: number): Graph {
  const g = graphBuilder('GroupQueryAttention', new Map());
  const rows = { dtype, shape: [1, 'S', heads * HEAD] };
  const present = { dtype, shape: [1, heads, 'S', HEAD] };
  const [q, k, v] = ['q', 'k', 'v'].map((name) => g.input(name, dtype, rows.shape));
  const [last, total] = ['last', 'total'].map((name) => g.input(name, 'I32', [1]));
  const attributes = { num_heads: BigInt(heads), kv_num_heads: BigInt(heads), causal: 0n };
  const inputs = [q!, k!, v!, null, null, last!, total!];
  const results = [rows, present, present] as const;
  const outputs = g.nodeOfMany('GroupQueryAttention', inputs, results, attributes, CONTRIB);
  for (const [at, name] of ['y', 'presentk', 'presentv'].entries()) g.output(name, outputs[at]!);
  return g.finish();
}

function given(tokens: number) {
  return { last: Int32Array.of(tokens - 1), total: Int32Array.of(tokens) };
}

/** Which attention operator is right, and which is fastest. */
export async function run(context: PartContext): Promise<void> {
  const types: readonly FloatType[] = context.kind === 'cpu' ? ['F32'] : ['BF16', 'F16'];
  const found: Found[] = [];
  for (const operator of OPERATORS) {
    process.env[NAMES_KERNEL] = '1';
    for (const dtype of types) await right(context, operator, dtype);
    delete process.env[NAMES_KERNEL];
    for (const heads of context.small ? [2] : [12, 40]) {
      for (const dtype of types) await fast(context, found, { operator, dtype, heads });
    }
  }
  await context.attempt('the fastest operators', () => fastest(context, found));
}

interface Found {
  readonly operator: Operator;
  readonly dtype: FloatType;
  readonly heads: number;
  readonly milliseconds: number;
}

/** Of operators that are as fast, the one that the runner takes is right too. */
const AS_FAST = 1.05;

/** Which operator wins in every type and size, and whether the runner's own choice does; on the processor there is none. */
export function winners(all: readonly Found[], chosen: (dtype: FloatType) => Operator) {
  const sizes = Map.groupBy(all, ({ dtype, heads }) => `${dtype}, ${heads} heads`);
  return [...sizes].map(([size, tried]) => {
    const [best] = tried.toSorted((a, b) => a.milliseconds - b.milliseconds);
    const own = tried.find(({ dtype, operator }) => operator === chosen(dtype));
    const isBest = own !== undefined && own.milliseconds <= AS_FAST * best!.milliseconds;
    return { size, fastest: best!.operator, chosen: chosen(tried[0]!.dtype), isBest };
  });
}

function fastest({ device, kind }: PartContext, found: readonly Found[]) {
  const sizes = winners(found, (dtype) => attentionOperator(dtype, device().capability));
  if (kind === 'cpu') return { sizes };
  const wanted = `the runner's operator the fastest, or within ${AS_FAST} of it`;
  return { sizes, wanted, holds: sizes.length > 0 && sizes.every(({ isBest }) => isBest) };
}

const cpu = { kind: 'cpu', index: 0, name: 'cpu:0' } as const;

async function right({ attempt, device }: PartContext, operator: Operator, dtype: FloatType) {
  await attempt(`${operator} in ${dtype}, 512 tokens × 4 heads`, () => {
    const lengths = { S: 512 };
    const [found, wanted] = [
      load(attentionGraph(operator, dtype, 4), { device: device(), lengths, given: given(512), readable: true }),
      load(attentionGraph('MultiHeadAttention', 'F32', 4), { device: cpu, lengths, readable: true }),
    ];
    for (const { binding } of [found, wanted]) binding.run();
    const values = errors(numbersOf(found.outputs.get('y')!), numbersOf(wanted.outputs.get('y')!));
    for (const { release } of [found, wanted]) release();
    return { ...values, ...judged(relativeWithin(values, MOST_RELATIVE.attention[dtype])) };
  });
}

async function fast(context: PartContext, found: Found[], { operator, dtype, heads }: Omit<Found, 'milliseconds'>) {
  const tokens = context.small ? 64 : 18_720;
  await context.attempt(`${operator} in ${dtype}, ${tokens} tokens × ${heads} heads`, () => {
    const graph = attentionGraph(operator, dtype, heads);
    const { binding, release } = load(graph, {
      device: context.device(),
      lengths: { S: tokens },
      given: given(tokens),
    });
    const times = timed(() => binding.run(), 5);
    release();
    found.push({ operator, dtype, heads, milliseconds: times.milliseconds });
    return { ...times, teraflops: (4 * tokens * tokens * heads * HEAD) / times.milliseconds / 1e9 };
  });
}
