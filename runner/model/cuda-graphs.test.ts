import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type ForwardInput, forward } from '../../test/golden/forward.ts';
import { cpuDevices } from '../ort/device.ts';
import { runOnce } from '../ort/run-once.ts';
import { createSession } from '../ort/session.ts';
import type { F32Tensor } from '../tensor.ts';
import { openModel } from '../weights/open-model.ts';
import { readTensors } from '../weights/read-tensors.ts';
import { ATTENTION_OPERATORS } from './attention-operator.ts';
import { contextGraph } from './condition.ts';
import { embedGraph } from './embed.ts';
import type { Graph } from './graph.ts';
import { headGraph } from './head.ts';
import { crossKvGraph, sliceGraph } from './layers.ts';
import { textEncoderGraph } from './text-encoder.ts';
import { vaeChunkGraph } from './vae-decoder.ts';

// The graphs that CUDA devices are given differ from the CPU's in their attention. The CPU can run them too, in float32 and
// float16; of bfloat16 it can at least check the types of every operation.

const GOLDEN = fileURLToPath(new URL('../../test/golden/data/', import.meta.url));
const BOUND = 1e-4;
const [device] = cpuDevices(1);
const { config, transformer, text, vae } = openModel(`${GOLDEN}tiny-wan`);
const TEXT_TOKENS = 64;

function load({ bytes }: Graph, weightsFolder: string) {
  return createSession(bytes, { device: device!, weightsFolder, intraOpThreads: 1 });
}

function largest(a: Float32Array, b: Float32Array): number {
  return a.reduce((max, value, at) => Math.max(max, Math.abs(value - b[at]!)), 0);
}

const forwardInput = (): ForwardInput => {
  const golden = readTensors(`${GOLDEN}transformer.safetensors`);
  const timestep = golden.f32('timestep').data[0]!;
  const [latents, words] = [golden.f32('latents'), golden.f32('text')];
  return { config: config.transformer, weights: transformer, latents, timestep, text: words, contextLatents: 2 };
};

const FORMS = ['plain', 'fused'] as const;
const VARIANTS = FORMS.flatMap((form) => ATTENTION_OPERATORS.map((operator) => ({ form, operator })));

test.each(
  VARIANTS.flatMap((variant) => [
    { ...variant, dtype: 'F32', bound: BOUND } as const,
    { ...variant, dtype: 'F16', bound: 1e-2 } as const,
  ]),
)('a forward pass by $form layers with $operator equals the reference, in $dtype', ({ bound, ...variant }) => {
  const { velocity } = forward({ ...forwardInput(), attention: 'cuda', ...variant });
  expect(largest(velocity.data, readTensors(`${GOLDEN}transformer.safetensors`).f32('velocity').data)).toBeLessThan(
    bound,
  );
});

/** A pass over a block whose right neighbour left `right`. */
function withContext(right: NonNullable<ForwardInput['right']>, attention: 'cpu' | 'cuda', cuts?: readonly number[]) {
  return forward({ ...forwardInput(), right, attention, ...(cuts === undefined ? {} : { cuts }) });
}

/** What the layers' own projections add to keys or values of one layer. */
function biased({ shape, data }: F32Tensor, layer: number, name: 'to_k' | 'to_v'): F32Tensor {
  const width = shape.at(-1)!;
  const bias = readTensors(`${GOLDEN}tiny-wan/transformer/diffusion_pytorch_model.safetensors`).f32(
    `blocks.${layer}.attn1.${name}.bias`,
  ).data;
  return { shape, data: data.map((value, at) => value + bias[at % width]!) };
}

test('fused layers keep keys and values without their bias, and read those of the right neighbour alike', () => {
  const plain = withContext([], 'cpu');
  const fused = withContext([], 'cuda');
  for (const [layer, { k, v }] of fused.kept.entries()) {
    expect(largest(biased(k, layer, 'to_k').data, plain.kept[layer]!.k.data)).toBeLessThan(BOUND);
    expect(largest(biased(v, layer, 'to_v').data, plain.kept[layer]!.v.data)).toBeLessThan(BOUND);
  }
  const [wanted, found] = [withContext(plain.kept, 'cpu'), withContext(fused.kept, 'cuda')];
  expect(largest(wanted.velocity.data, plain.velocity.data)).toBeGreaterThan(100 * BOUND);
  expect(largest(found.velocity.data, wanted.velocity.data)).toBeLessThan(BOUND);
});

test('where fused layers are cut changes no bit', () => {
  const { kept } = withContext([], 'cuda');
  const bits = ([...cuts]: readonly number[]) => {
    const { velocity, kept: left } = withContext(kept, 'cuda', cuts);
    return [velocity.data, left.at(-1)!.v.data].map((data) => Buffer.from(data.buffer).toString('hex')).join();
  };
  const whole = bits([]);
  for (const cuts of [[1], [3], [2, 4], [1, 2, 3, 4]]) expect(bits(cuts) === whole).toBe(true);
});

test('a text read by the graph for CUDA equals the reference', () => {
  const golden = readTensors(`${GOLDEN}text.safetensors`);
  const compute = { attention: 'cuda', dtype: 'F32' } as const;
  const session = load(textEncoderGraph(config.text, text.tensors, { ...compute, tokens: TEXT_TOKENS }), text.folder);
  const row = (name: string) => {
    const data = BigInt64Array.from(golden.integers(name).data.slice(0, TEXT_TOKENS), BigInt);
    return { dtype: 'I64' as const, shape: [1, TEXT_TOKENS], data };
  };
  const { embeds } = runOnce(session, { ids: row('ids'), mask: row('mask') });
  session.release();
  expect(largest(embeds!.data, golden.f32('embeds').data.subarray(0, embeds!.data.length))).toBeLessThan(BOUND);
});

test('the first frame decoded by the graph for CUDA equals the reference', () => {
  const golden = readTensors(`${GOLDEN}vae.safetensors`);
  const latents = golden.f32('latents');
  const [, channels, count, height, width] = latents.shape as [number, number, number, number, number];
  const area = height * width;
  const data = Float32Array.from({ length: channels * area }, (_, at) => {
    return latents.data[Math.floor(at / area) * count * area + (at % area)]!;
  });
  const session = load(
    vaeChunkGraph(config.vae, vae.tensors, { kind: 'first', height, width, attention: 'cuda' }),
    vae.folder,
  );
  const { frames } = runOnce(session, { latent: { shape: [1, channels, 1, height, width], data } });
  session.release();
  const wanted = golden.f32('frames');
  const perColour = wanted.data.length / 3;
  for (let colour = 0; colour < 3; colour++) {
    const first = wanted.data.subarray(colour * perColour, colour * perColour + 64 * area);
    expect(largest(frames!.data.subarray(colour * 64 * area, (colour + 1) * 64 * area), first)).toBeLessThan(BOUND);
  }
});

test.each([false, true])(
  "no layer writes into the memory that all share before it has keys and values of its own, with the left one's used again: %s",
  (reusesLeft) => {
    const options = {
      attention: 'cuda',
      dtype: 'F32',
      firstLayer: 0,
      endLayer: 3,
      contextTokens: 24,
      reusesLeft,
    } as const;
    const { operations, inputs } = sliceGraph(config.transformer, transformer.tensors, options);
    const given = new Set(inputs.map(({ name }) => name));
    const first = operations.filter(({ op, inputs: [to] }) => op === 'TensorScatter' && given.has(to!.name));
    expect(first).toHaveLength(2 * 3);
    expect(first.filter(({ inputs: [, part] }) => given.has(part!.name))).toEqual([]);
  },
);

const brain = { attention: 'cuda', dtype: 'BF16' } as const;
const window = { frames: 5, height: 6, width: 8 };
const layers = { ...brain, firstLayer: 0, endLayer: 2, contextTokens: 24 };

test.each([
  { name: 'layers', graph: sliceGraph(config.transformer, transformer.tensors, layers), ...transformer },
  {
    name: 'layers, left context used again',
    graph: sliceGraph(config.transformer, transformer.tensors, { ...layers, reusesLeft: true }),
    ...transformer,
  },
  { name: 'prompt keys', graph: crossKvGraph(config.transformer, transformer.tensors, layers), ...transformer },
  { name: 'prompt', graph: contextGraph(config.transformer, transformer.tensors, brain), ...transformer },
  { name: 'patches', graph: embedGraph(config.transformer, transformer.tensors, window, brain), ...transformer },
  { name: 'head', graph: headGraph(config.transformer, transformer.tensors, window, brain), ...transformer },
  { name: 'text encoder', graph: textEncoderGraph(config.text, text.tensors, { ...brain, tokens: 8 }), ...text },
])('the graph of the $name in bfloat16 is well typed: all that the CPU lacks is a kernel', ({ graph, folder }) => {
  expect(() => load(graph, folder)).toThrow(
    expect.objectContaining({
      code: 'E_DEVICE_RUNTIME',
      message: expect.stringMatching(/loading a graph: Could not find an implementation for \w+\(\d+\)/),
    }),
  );
});
