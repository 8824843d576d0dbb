import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { type ForwardInput, forward } from '../../test/golden/forward.ts';
import { runToEnd } from '../../test/golden/run-case.ts';
import { goldenInput } from '../../test/same-bits/inputs.ts';
import { cpuDevices } from '../ort/device.ts';
import { type AnyTensor, runOnceAny } from '../ort/run-once.ts';
import { createSession } from '../ort/session.ts';
import type { F32Tensor, FloatType } from '../tensor.ts';
import { type Model, openModel } from '../weights/open-model.ts';
import { readTensors } from '../weights/read-tensors.ts';
import { safetensorsBytes } from '../weights/write-tensors.ts';
import type { Graph } from './graph.ts';
import { textEncoderGraph } from './text-encoder.ts';
import { vaeChunkGraph } from './vae-decoder.ts';

const GOLDEN = fileURLToPath(new URL('../../test/golden/data/', import.meta.url));
const [device] = cpuDevices(1);
const scratch = mkdtempSync(join(tmpdir(), 'half-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Error of float16 against float32: largest, in the tensor's own unit, and root mean square, as a share of the tensor's. */
interface Distance {
  readonly largest: number;
  readonly share: number;
}

function distance(half: Float32Array, full: Float32Array): Distance {
  const error = full.map((value, at) => value - half[at]!);
  const rms = (data: Float32Array) => Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length);
  return { largest: error.reduce((max, value) => Math.max(max, Math.abs(value)), 0), share: rms(error) / rms(full) };
}

function expectWithin(found: Distance, bound: Distance): void {
  expect(found.share).toBeGreaterThan(0);
  expect(found.largest).toBeLessThan(bound.largest);
  expect(found.share).toBeLessThan(bound.share);
}

const tiny = openModel(`${GOLDEN}tiny-wan`);

function forwardInput({ config, transformer }: Pick<Model, 'config' | 'transformer'>): ForwardInput {
  const g = readTensors(`${GOLDEN}transformer.safetensors`);
  const timestep = g.f32('timestep').data[0]!;
  const [latents, text] = [g.f32('latents'), g.f32('text')];
  return { config: config.transformer, weights: transformer, latents, timestep, text, contextLatents: 2, cuts: [] };
}

test('a forward pass in float16 stays within 1e-2, or a thousandth of its spread, of float32', () => {
  const [full, half] = (['F32', 'F16'] as const).map((dtype) => forward({ ...forwardInput(tiny), dtype }));
  expectWithin(distance(half!.velocity.data, full!.velocity.data), { largest: 1e-2, share: 1e-3 });
  for (const [layer, { k, v }] of half!.kept.entries()) {
    expectWithin(distance(k.data, full!.kept[layer]!.k.data), { largest: 2e-2, share: 2e-3 });
    expectWithin(distance(v.data, full!.kept[layer]!.v.data), { largest: 2e-2, share: 2e-3 });
  }
});

function run(graph: Graph, weightsFolder: string, inputs: Readonly<Record<string, F32Tensor | AnyTensor>>) {
  const session = createSession(graph.bytes, { device: device!, weightsFolder, intraOpThreads: 1 });
  try {
    return runOnceAny(session, inputs);
  } finally {
    session.release();
  }
}

function numbers({ data }: AnyTensor): Float32Array {
  return new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4);
}

/** Frames of every latent, one after another. */
function decode({ config, vae }: Pick<Model, 'config' | 'vae'>, dtype: 'F32' | 'F16'): readonly Float32Array[] {
  const { shape, data } = readTensors(`${GOLDEN}vae.safetensors`).f32('latents');
  const [, channels, count, height, width] = shape as [number, number, number, number, number];
  const area = height * width;
  let states: Record<string, AnyTensor> = {};
  return Array.from({ length: count }, (_, at) => {
    const latent = Float32Array.from({ length: channels * area }, (__, index) => {
      return data[(Math.floor(index / area) * count + at) * area + (index % area)]!;
    });
    const kind = at === 0 ? 'first' : 'steady';
    const graph = vaeChunkGraph(config.vae, vae.tensors, { kind, height, width, attention: 'cpu', dtype });
    const out = run(graph, vae.folder, { latent: { shape: [1, channels, 1, height, width], data: latent }, ...states });
    const next = Object.entries(out).filter(([name]) => name.startsWith('next.'));
    states = Object.fromEntries(next.map(([name, state]) => [name.replace('next.', 'state.'), state]));
    expect(new Set(next.map(([, state]) => state.dtype))).toEqual(new Set([dtype]));
    return numbers(out.frames!);
  });
}

test('frames decoded in float16 stay within two thirds of a step of 8 bits of float32, however many latents before', () => {
  const full = decode(tiny, 'F32');
  for (const [at, frames] of decode(tiny, 'F16').entries()) {
    const found = distance(frames, full[at]!);
    expect(found.largest).toBeGreaterThan(0);
    expect(found.largest).toBeLessThan((2 / 3) * (2 / 255));
  }
});

/** The reference's first prompt, read by a model's text encoder. */
function encode({ config, text }: Pick<Model, 'config' | 'text'>, dtype: FloatType): Float32Array {
  const golden = readTensors(`${GOLDEN}text.safetensors`);
  const tokens = golden.integers('ids').shape[1]!;
  const row = (name: string) => {
    const data = BigInt64Array.from(golden.integers(name).data.slice(0, tokens), BigInt);
    return { dtype: 'I64' as const, shape: [1, tokens], data };
  };
  const graph = textEncoderGraph(config.text, text.tensors, { tokens, attention: 'cpu', dtype });
  return numbers(run(graph, text.folder, { ids: row('ids'), mask: row('mask') }).embeds!);
}

test('a text read in float16 stays within 1e-2, or two thousandths of its spread, of float32', () => {
  expectWithin(distance(encode(tiny, 'F16'), encode(tiny, 'F32')), { largest: 1e-2, share: 2e-3 });
});

/** The tiny model with its tensors changed by name, its weights stored in a type. */
function stored(
  dtype: FloatType,
  change: (name: string, tensor: F32Tensor) => F32Tensor = (_, tensor) => tensor,
): Model {
  const folder = mkdtempSync(join(scratch, 'model-'));
  cpSync(`${GOLDEN}tiny-wan`, folder, { recursive: true });
  for (const file of ['transformer/diffusion_pytorch_model', 'vae/diffusion_pytorch_model', 'text_encoder/model']) {
    const path = join(folder, `${file}.safetensors`);
    const read = readTensors(path);
    const tensors = new Map(read.names.map((name) => [name, change(name, read.f32(name))]));
    writeFileSync(path, safetensorsBytes(tensors, {}, dtype));
  }
  return openModel(folder);
}

test('the feed-forward of the text encoder may leave the range of float16', () => {
  const large = stored('F32', (name, { shape, data }) => {
    return name.endsWith('DenseReluDense.wo.weight')
      ? { shape, data: data.map((value) => value * 1e6) }
      : { shape, data };
  });
  const [full, half] = [encode(large, 'F32'), encode(large, 'F16')];
  expect(half.every(Number.isFinite)).toBe(true);
  expectWithin(distance(half, full), { largest: 2e-2, share: 4e-3 });
});

/** Everything that a model computes from its weights, in a type. */
function everything(model: Model, dtype: 'F32' | 'F16'): string {
  const { velocity, kept } = forward({ ...forwardInput(model), dtype });
  const tensors = [velocity.data, kept.at(-1)!.v.data, encode(model, dtype), ...decode(model, dtype)];
  return tensors.map((data) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex')).join();
}

test.each([
  { files: 'F16', dtype: 'F32' },
  { files: 'BF16', dtype: 'F32' },
  { files: 'F16', dtype: 'F16' },
  { files: 'BF16', dtype: 'F16' },
] as const)(
  'files in $files computed in $dtype give the bits of the same numbers stored in F32',
  ({ files, dtype }) => {
    const model = stored(files);
    const path = (component: string, file: string) => join(model.folder, component, `${file}.safetensors`);
    const rounded = new Map(
      [
        path('transformer', 'diffusion_pytorch_model'),
        path('vae', 'diffusion_pytorch_model'),
        path('text_encoder', 'model'),
      ]
        .map((file) => readTensors(file))
        .flatMap((read) => read.names.map((name) => [name, read.f32(name)] as const)),
    );
    const wide = stored('F32', (name) => rounded.get(name)!);
    expect(wide.transformer.tensors.get('proj_out.weight')?.dtype).toBe('F32');
    expect(model.transformer.tensors.get('proj_out.weight')?.dtype).toBe(files);
    expect(everything(model, dtype) === everything(wide, dtype)).toBe(true);
  },
);

test('a film in float16 has the same bits on any number of stages, and stays within 5e-2 of float32', async () => {
  const film = async (dtype: FloatType, stages: number) =>
    (await runToEnd({ ...goldenInput('t6-b4-c2', stages), options: { dtype } })).data;
  const half = await film('F16', 1);
  for (const stages of [2, 5])
    expect(Buffer.from((await film('F16', stages)).buffer).equals(Buffer.from(half.buffer))).toBe(true);
  expectWithin(distance(half, await film('F32', 1)), { largest: 5e-2, share: 3e-3 });
});
