import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { type ForwardInput, forward } from '../../test/golden/forward.ts';
import { elementCount, type F32Tensor } from '../tensor.ts';
import { readJsonFile } from '../weights/model-file.ts';
import { openTransformer } from '../weights/open-model.ts';
import { readTensors, type TensorFile } from '../weights/read-tensors.ts';
import { safetensorsBytes } from '../weights/write-tensors.ts';
import { parseTransformerConfig } from './component-configs.ts';
import type { TransformerConfig } from './config.ts';
import { transformerTensors } from './tensor-names.ts';

const GOLDEN = fileURLToPath(new URL('../../test/golden/data/', import.meta.url));
/** Of the golden numbers' README: single graphs against hidden states, and everything against everything. */
const HIDDEN_BOUND = 2e-5;
const BOUND = 1e-4;

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function model(folder: string) {
  const config = parseTransformerConfig(readJsonFile(`${GOLDEN}${folder}/transformer/config.json`, 'config.json'));
  return { config, weights: openTransformer(`${GOLDEN}${folder}`, 'transformer', config) };
}

function golden(file: string): TensorFile {
  return readTensors(`${GOLDEN}${file}.safetensors`);
}

function distance(a: F32Tensor, b: F32Tensor): number {
  expect(a.shape).toEqual(b.shape);
  return a.data.reduce((max, value, at) => Math.max(max, Math.abs(value - b.data[at]!)), 0);
}

/** Row `at` of the outermost axis, as a batch of one. */
function row(t: F32Tensor, at: number): F32Tensor {
  const length = t.data.length / t.shape[0]!;
  return { shape: [1, ...t.shape.slice(1)], data: t.data.slice(at * length, (at + 1) * length) };
}

function plainInput(folder: string, file: string): ForwardInput {
  const g = golden(file);
  const timestep = g.f32('timestep').data[0]!;
  return { ...model(folder), latents: g.f32('latents'), timestep, text: g.f32('text'), contextLatents: 0 };
}

const CASES = [
  { name: 'one file', folder: 'tiny-wan', file: 'transformer' },
  { name: 'four shards', folder: 'tiny-wan-sharded', file: 'transformer' },
  { name: 'heads of the real width, 128', folder: 'head128', file: 'head128/transformer' },
  { name: 'weights in bfloat16, computed in float32', folder: 'bf16', file: 'bf16/transformer' },
];

test.each(CASES)('a forward pass equals the reference: $name', ({ folder, file }) => {
  const g = golden(file);
  const out = forward(plainInput(folder, file));
  expect(distance(out.velocity, g.f32('velocity'))).toBeLessThan(BOUND);
  if (!g.has('embed')) return;
  expect(distance(out.embed, g.f32('embed'))).toBeLessThan(HIDDEN_BOUND);
  for (const [layer, hidden] of out.hidden.entries()) {
    expect(distance(hidden, g.f32(`layer.${layer}`))).toBeLessThan(HIDDEN_BOUND);
  }
});

function blockStep(branch: 0 | 1): ForwardInput & { readonly g: TensorFile } {
  const g = golden('dualparal/block-step');
  const { config, weights } = model('tiny-wan');
  const latents = joinInTime(g.f32('left'), g.f32('own'));
  const ofLayer = (name: string, layer: number) => row(flat(g.f32(name)), branch * config.layers + layer);
  const right = Array.from({ length: config.layers }, (_, layer) => ({
    k: ofLayer('right.k', layer),
    v: ofLayer('right.v', layer),
  }));
  const text = row(golden('text').f32('embeds'), branch);
  const timestep = g.f32('timestep').data[0]!;
  return { g, config, weights, latents, timestep, text, right, contextLatents: Number(g.metadata.context_latents) };
}

/** `[branch, layer, …]` as `[branch · layer, …]`. */
function flat(t: F32Tensor): F32Tensor {
  return { shape: [t.shape[0]! * t.shape[1]!, ...t.shape.slice(2)], data: t.data };
}

function joinInTime(a: F32Tensor, b: F32Tensor): F32Tensor {
  const [one, channels, framesA, height, width] = a.shape as [number, number, number, number, number];
  const framesB = b.shape[2]!;
  const area = height * width;
  const data = new Float32Array(a.data.length + b.data.length);
  for (let c = 0; c < channels; c++) {
    const at = c * (framesA + framesB) * area;
    data.set(a.data.subarray(c * framesA * area, (c + 1) * framesA * area), at);
    data.set(b.data.subarray(c * framesB * area, (c + 1) * framesB * area), at + framesA * area);
  }
  return { shape: [one, channels, framesA + framesB, height, width], data };
}

test.each([
  { branch: 0, velocity: 'velocity.cond' },
  { branch: 1, velocity: 'velocity.uncond' },
] as const)('a block-step with its right context equals the reference: $velocity', ({ branch, velocity }) => {
  const { g, ...input } = blockStep(branch);
  const out = forward(input);
  expect(distance(out.velocity, g.f32(velocity))).toBeLessThan(BOUND);
  for (const [layer, kept] of out.kept.entries()) {
    const at = branch * input.config.layers + layer;
    expect(distance(kept.k, row(flat(g.f32('kept.k')), at))).toBeLessThan(BOUND);
    expect(distance(kept.v, row(flat(g.f32('kept.v')), at))).toBeLessThan(BOUND);
    if (branch === 0) expect(distance(out.hidden[layer]!, g.f32(`layer.${layer}`))).toBeLessThan(HIDDEN_BOUND);
  }
});

/** Cuts of five layers into 1, 2, 3 and 5 stages, the larger slices first; and the one that two layers allow. */
const CUTS = [[], [1], [3], [2, 4], [1, 2, 3, 4]];

/** A model of other widths, over windows large enough that every product is shared among threads. */
function wideInput(): ForwardInput {
  const config: TransformerConfig = {
    ...model('tiny-wan').config,
    layers: 2,
    heads: 4,
    headWidth: 64,
    width: 256,
    feedForwardWidth: 1000,
    textWidth: 64,
  };
  const folder = mkdtempSync(join(tmpdir(), 'wide-'));
  folders.push(folder);
  let state = 1;
  const random = (shape: readonly number[], spread: number): F32Tensor => {
    const data = new Float32Array(elementCount(shape));
    for (let at = 0; at < data.length; at++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      data[at] = (state / 2 ** 31 - 1) * spread;
    }
    return { shape, data };
  };
  const tensors = [...transformerTensors(config)].map(([name, shape]) => {
    return [name, random(shape, name.includes('norm') ? 1 : 2 / Math.sqrt(shape.at(-1)!))] as const;
  });
  mkdirSync(join(folder, 'transformer'));
  writeFileSync(join(folder, 'transformer/diffusion_pytorch_model.safetensors'), safetensorsBytes(new Map(tensors)));
  const [frames, height, width, contextLatents] = [5, 20, 26, 2];
  const kept = [1, (contextLatents * height * width) / 4, config.width];
  return {
    config,
    weights: openTransformer(folder, 'transformer', config),
    latents: random([1, config.latentChannels, frames, height, width], 1),
    timestep: 977,
    text: random([1, 512, config.textWidth], 1),
    contextLatents,
    right: Array.from({ length: config.layers }, () => ({ k: random(kept, 1), v: random(kept, 1) })),
  };
}

function bits({ kept, velocity, hidden }: ReturnType<typeof forward>): string {
  const tensors = [velocity, hidden.at(-1)!, ...kept.flatMap(({ k, v }) => [k, v])];
  return tensors.map((t) => Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength).toString('hex')).join();
}

test.each([
  { name: 'without context', input: () => plainInput('tiny-wan', 'transformer') },
  { name: 'with right context', input: () => blockStep(0) },
  { name: 'with context but no right neighbour', input: () => ({ ...blockStep(1), right: [] }) },
  { name: 'in float16', input: () => ({ ...blockStep(0), dtype: 'F16' as const }) },
  { name: 'from four shards', input: () => plainInput('tiny-wan-sharded', 'transformer') },
  { name: 'heads of 128, two layers', input: () => plainInput('head128', 'head128/transformer') },
  { name: 'weights in bfloat16, two layers', input: () => plainInput('bf16', 'bf16/transformer') },
])('where the layers are cut and how many threads compute changes no bit: $name', ({ input }) => {
  const expected = bits(forward({ ...input(), cuts: [] }));
  for (const cuts of CUTS.filter((starts) => starts.every((layer) => layer < input().config.layers))) {
    for (const intraOpThreads of [1, 2, 3]) {
      expect(bits(forward({ ...input(), cuts, intraOpThreads })) === expected).toBe(true);
    }
  }
});

test.each(['F32', 'F16'] as const)('neither cut nor threads change a bit of a wider model in %s', (dtype) => {
  const input = { ...wideInput(), dtype };
  const expected = bits(forward({ ...input, cuts: [] }));
  for (const cuts of [[], [1]]) {
    for (const intraOpThreads of [1, 2, 4, 7]) {
      expect(bits(forward({ ...input, cuts, intraOpThreads })) === expected).toBe(true);
    }
  }
});
