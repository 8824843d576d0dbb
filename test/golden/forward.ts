import type { AttentionOperator } from '../../runner/model/attention-operator.ts';
import { contextGraph, timeGraph } from '../../runner/model/condition.ts';
import type { TransformerConfig } from '../../runner/model/config.ts';
import { embedGraph, tokensPerLatent } from '../../runner/model/embed.ts';
import type { Graph } from '../../runner/model/graph.ts';
import { headGraph } from '../../runner/model/head.ts';
import { crossKvGraph, sliceGraph } from '../../runner/model/layers.ts';
import { rotaryTables, timeSinusoid } from '../../runner/model/rotary.ts';
import type { SliceOptions } from '../../runner/model/slice-options.ts';
import { cpuDevices } from '../../runner/ort/device.ts';
import { type AnyTensor, runOnceAny } from '../../runner/ort/run-once.ts';
import { createSession } from '../../runner/ort/session.ts';
import type { F32Tensor } from '../../runner/tensor.ts';
import type { ComponentWeights } from '../../runner/weights/shards.ts';

/** One transformer forward pass, part by part, on the CPU: what reference numbers are compared with. */
export interface ForwardInput {
  /** Number format of the matrix work; F32 where absent. Inputs and outputs are float32 all the same. */
  readonly dtype?: 'F32' | 'F16';
  /** Kind of the graphs; those for CUDA run on the CPU too, but slower and in more memory. */
  readonly attention?: 'cpu' | 'cuda';
  /** Of the graphs for CUDA; the default where absent. */
  readonly operator?: AttentionOperator;
  /** Of the layers; the kind's own where absent. */
  readonly form?: SliceOptions['form'];
  readonly config: TransformerConfig;
  readonly weights: ComponentWeights;
  /** `[1, C, F, H, W]`, left context included. */
  readonly latents: F32Tensor;
  readonly timestep: number;
  /** `[1, L, textWidth]`. */
  readonly text: F32Tensor;
  /** Latents of a context; 0: nothing is kept. */
  readonly contextLatents: number;
  /** Keys and values that the right neighbour left, per layer `[1, R, D]`; none without a right neighbour. */
  readonly right?: readonly { readonly k: F32Tensor; readonly v: F32Tensor }[];
  /** Layers where a new session starts, besides 0: the cut into stages. Every layer by itself where absent. */
  readonly cuts?: readonly number[];
  readonly intraOpThreads?: number;
}

export interface ForwardOutput {
  readonly embed: F32Tensor;
  /** Hidden states after the last layer of each slice. */
  readonly hidden: readonly F32Tensor[];
  /** Kept keys and values per layer `[1, K, D]`; empty without context. */
  readonly kept: readonly { readonly k: F32Tensor; readonly v: F32Tensor }[];
  readonly velocity: F32Tensor;
}

export function forward(input: ForwardInput): ForwardOutput {
  const { config, weights, latents, contextLatents } = input;
  const form = input.form === undefined ? {} : { form: input.form };
  const operator = input.operator === undefined ? {} : { operator: input.operator };
  const compute = { attention: input.attention ?? 'cpu', dtype: input.dtype ?? 'F32', ...operator } as const;
  const [, , frames, height, width] = latents.shape as [number, number, number, number, number];
  const window = { frames, height, width };
  const right = input.right ?? [];
  const run = (graph: Graph, values: Readonly<Record<string, F32Tensor | AnyTensor>>) =>
    runGraph(graph, weights, input, values);

  const sinusoid = tensor([1, config.timeWidth], timeSinusoid(input.timestep, config.timeWidth));
  const { temb, tproj } = run(timeGraph(config, weights.tensors), { sinusoid });
  const { ctx } = run(contextGraph(config, weights.tensors, compute), { text: input.text });
  const { x: embed } = run(embedGraph(config, weights.tensors, window, compute), { latents });

  const contextTokens = contextLatents * tokensPerLatent(window);
  const rotary = rotaryInputs(config, frames + (right.length > 0 ? contextLatents : 0), height, width);
  const bounds = [...(input.cuts ?? Array.from({ length: config.layers - 1 }, (_, layer) => layer + 1)), config.layers];
  const hidden: F32Tensor[] = [];
  const kept: { k: F32Tensor; v: F32Tensor }[] = [];
  let firstLayer = 0;
  for (const endLayer of bounds) {
    const slice = { ...compute, firstLayer, endLayer };
    const cross = run(crossKvGraph(config, weights.tensors, slice), { ctx: ctx! });
    const layers = Array.from({ length: endLayer - firstLayer }, (_, index) => firstLayer + index);
    const rightKv =
      contextTokens === 0 ? {} : Object.fromEntries(layers.flatMap((l) => rightInputs(right[l], l, config)));
    const graph = sliceGraph(config, weights.tensors, { ...slice, contextTokens, ...form });
    const given = { x: hidden.at(-1) ?? embed!, tproj: tproj!, ...rotary, ...cross, ...rightKv };
    const out = run(graph, { ...given, ...jointInputs(graph, embed!.shape[1]!, rotary.cos.shape[0]!, config) });
    hidden.push(out.y!);
    if (contextTokens > 0) kept.push(...layers.map((l) => ({ k: out[`keepk.${l}`]!, v: out[`keepv.${l}`]! })));
    firstLayer = endLayer;
  }
  const { velocity } = run(headGraph(config, weights.tensors, window, compute), { x: hidden.at(-1)!, temb: temb! });
  return { embed: embed!, hidden, kept, velocity: velocity! };
}

function runGraph(
  graph: Graph,
  weights: ComponentWeights,
  { intraOpThreads = 1 }: ForwardInput,
  inputs: Readonly<Record<string, F32Tensor | AnyTensor>>,
): Readonly<Record<string, F32Tensor>> {
  const [device] = cpuDevices(1);
  const session = createSession(graph.bytes, { device: device!, weightsFolder: weights.folder, intraOpThreads });
  const half = new Set(graph.inputs.filter(({ dtype }) => dtype === 'F16').map(({ name }) => name));
  const given = Object.entries(inputs).map(([name, tensor]) => [
    name,
    half.has(name) ? toHalf(tensor as F32Tensor) : tensor,
  ]);
  try {
    const outputs = Object.entries(runOnceAny(session, Object.fromEntries(given)));
    return Object.fromEntries(outputs.map(([name, tensor]) => [name, fromAny(tensor)]));
  } finally {
    session.release();
  }
}

function toHalf({ shape, data }: F32Tensor): AnyTensor {
  return { dtype: 'F16', shape, data: Float16Array.from(data) };
}

function fromAny({ dtype, shape, data: { buffer, byteOffset, byteLength } }: AnyTensor): F32Tensor {
  const bytes = buffer.slice(byteOffset, byteOffset + byteLength);
  return { shape, data: dtype === 'F16' ? Float32Array.from(new Float16Array(bytes)) : new Float32Array(bytes) };
}

function rotaryInputs(config: TransformerConfig, frames: number, height: number, width: number) {
  const tables = rotaryTables(config.headWidth, frames, height / 2, width / 2);
  const shape = [tables.cos.length / (config.headWidth / 2), config.headWidth / 2];
  return { cos: tensor(shape, tables.cos), sin: tensor(shape, tables.sin) };
}

function rightInputs(kv: { k: F32Tensor; v: F32Tensor } | undefined, layer: number, config: TransformerConfig) {
  const none = tensor([1, 0, config.width], new Float32Array(0));
  return [
    [`rightk.${layer}`, kv?.k ?? none],
    [`rightv.${layer}`, kv?.v ?? none],
  ] as const;
}

/** Memory in which a graph joins keys, if it does. */
function jointInputs({ inputs }: Graph, tokens: number, keys: number, { width }: TransformerConfig) {
  if (!inputs.some(({ name }) => name === 'rightstart')) return {};
  const memory = () => tensor([1, keys, width], new Float32Array(keys * width));
  const start = { dtype: 'I64', shape: [1], data: BigInt64Array.of(BigInt(tokens)) } as const;
  return { jointk: memory(), jointv: memory(), rightstart: start };
}

function tensor(shape: readonly number[], data: Float32Array): F32Tensor {
  return { shape, data };
}
