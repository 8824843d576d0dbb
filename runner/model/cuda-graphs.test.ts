import { expect, test } from 'vitest';
import { type ForwardInput, forward } from '../../test/golden/forward.ts';
import { cpuDevices } from '../ort/device.ts';
import { runOnce } from '../ort/run-once.ts';
import { createSession } from '../ort/session.ts';
import { openModel } from '../weights/open-model.ts';
import { readTensors } from '../weights/read-tensors.ts';
import { contextGraph } from './condition.ts';
import { embedGraph } from './embed.ts';
import type { Graph } from './graph.ts';
import { headGraph } from './head.ts';
import { crossKvGraph, sliceGraph } from './layers.ts';
import { textEncoderGraph } from './text-encoder.ts';
import { vaeChunkGraph } from './vae-decoder.ts';

// The graphs that CUDA devices are given differ from the CPU's in their attention. The CPU can run them too, in float32 and
// float16; of bfloat16 it can at least check the types of every operation.

const GOLDEN = new URL('../../test/golden/data/', import.meta.url).pathname;
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

test.each([
  { dtype: 'F32', bound: BOUND },
  { dtype: 'F16', bound: 1e-2 },
] as const)('a forward pass by graphs for CUDA equals the reference, in $dtype', ({ dtype, bound }) => {
  const golden = readTensors(`${GOLDEN}transformer.safetensors`);
  const input: ForwardInput = {
    config: config.transformer,
    weights: transformer,
    latents: golden.f32('latents'),
    timestep: golden.f32('timestep').data[0]!,
    text: golden.f32('text'),
    contextLatents: 2,
    attention: 'cuda',
    dtype,
  };
  expect(largest(forward(input).velocity.data, golden.f32('velocity').data)).toBeLessThan(bound);
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

const brain = { attention: 'cuda', dtype: 'BF16' } as const;
const window = { frames: 5, height: 6, width: 8 };
const layers = { ...brain, firstLayer: 0, endLayer: 2, contextTokens: 24 };

test.each([
  { name: 'layers', graph: sliceGraph(config.transformer, transformer.tensors, layers), ...transformer },
  { name: 'prompt keys', graph: crossKvGraph(config.transformer, transformer.tensors, layers), ...transformer },
  { name: 'prompt', graph: contextGraph(config.transformer, transformer.tensors, brain), ...transformer },
  { name: 'patches', graph: embedGraph(config.transformer, transformer.tensors, window, brain), ...transformer },
  { name: 'head', graph: headGraph(config.transformer, transformer.tensors, window, brain), ...transformer },
  { name: 'text encoder', graph: textEncoderGraph(config.text, text.tensors, { ...brain, tokens: 8 }), ...text },
])('the graph of the $name in bfloat16 is well typed: all that the CPU lacks is a kernel', ({ graph, folder }) => {
  expect(() => load(graph, folder)).toThrow(
    expect.objectContaining({
      code: 'E_DEVICE_RUNTIME',
      message: expect.stringMatching(/loading a graph: Could not find an implementation for Gemm\(13\)/),
    }),
  );
});
