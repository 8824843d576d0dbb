import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { cpuDevices } from '../ort/device.ts';
import { runOnce } from '../ort/run-once.ts';
import { createSession } from '../ort/session.ts';
import { type F32Tensor, zeros } from '../tensor.ts';
import { readJsonFile } from '../weights/model-file.ts';
import { readTensors } from '../weights/read-tensors.ts';
import { openWeights } from '../weights/shards.ts';
import { parseVaeConfig } from './component-configs.ts';
import { type ChunkKind, vaeChunkGraph, vaeStates } from './vae-decoder.ts';

const GOLDEN = fileURLToPath(new URL('../../test/golden/data/', import.meta.url));
const BOUND = 1e-4;
const [device] = cpuDevices(1);

const config = parseVaeConfig(readJsonFile(`${GOLDEN}tiny-wan/vae/config.json`, 'config.json'));
const weights = openWeights(`${GOLDEN}tiny-wan`, 'vae', 'diffusion_pytorch_model');
const golden = readTensors(`${GOLDEN}vae.safetensors`);
const latents = golden.f32('latents');
const [, channels, count, height, width] = latents.shape as [number, number, number, number, number];

function open(kind: ChunkKind) {
  const graph = vaeChunkGraph(config, weights.tensors, { kind, height, width, attention: 'cpu' });
  return createSession(graph.bytes, { device: device!, weightsFolder: weights.folder, intraOpThreads: 2 });
}

/** Latent frame `at` of a video `[1, C, F, H, W]`. */
function frameOf(video: F32Tensor, at: number): F32Tensor {
  const [, c, frames, h, w] = video.shape as [number, number, number, number, number];
  const area = h * w;
  const data = new Float32Array(c * area);
  for (let k = 0; k < c; k++)
    data.set(video.data.subarray((k * frames + at) * area, (k * frames + at + 1) * area), k * area);
  return { shape: [1, c, 1, h, w], data };
}

type Tensors = Readonly<Record<string, F32Tensor>>;

/** The states that a run left, as inputs of the next one. */
function carried(output: Tensors): Tensors {
  const next = Object.entries(output).filter(([name]) => name.startsWith('next.'));
  return Object.fromEntries(next.map(([name, state]) => [name.replace('next.', 'state.'), state]));
}

function distanceAt(frames: F32Tensor, at: number, wanted: F32Tensor): number {
  const chunk = frames.shape[2]!;
  let max = 0;
  for (let frame = 0; frame < chunk; frame++) {
    const a = frameOf(frames, frame).data;
    const b = frameOf(wanted, at + frame).data;
    max = a.reduce((m, value, index) => Math.max(m, Math.abs(value - b[index]!)), max);
  }
  return max;
}

test('decoding latent by latent equals the reference, and so does a first chunk in steady form', () => {
  const first = open('first');
  const steady = open('steady');
  try {
    const wanted = golden.f32('frames');
    let output = runOnce(first, { latent: frameOf(latents, 0) });
    expect(output.frames!.shape).toEqual([1, 3, 1, 8 * height, 8 * width]);
    expect(distanceAt(output.frames!, 0, wanted)).toBeLessThan(BOUND);
    for (let at = 1; at < count; at++) {
      output = runOnce(steady, { latent: frameOf(latents, at), ...carried(output) });
      expect(output.frames!.shape).toEqual([1, 3, 4, 8 * height, 8 * width]);
      expect(distanceAt(output.frames!, 4 * at - 3, wanted)).toBeLessThan(BOUND);
    }
  } finally {
    first.release();
    steady.release();
  }
});

test('both chunks leave all 32 states in the shapes that the next one takes', () => {
  const states = vaeStates(config, weights.tensors, { height, width, attention: 'cpu' });
  expect(states).toHaveLength(32);
  expect(states[0]).toEqual({ name: 'decoder.conv_in', shape: [2, channels, height, width] });
  for (const kind of ['first', 'steady'] as const) {
    const graph = vaeChunkGraph(config, weights.tensors, { kind, height, width, attention: 'cpu' });
    const left = graph.outputs.filter((port) => port.name.startsWith('next.'));
    const shapes = new Map(left.map((port) => [port.name.replace('next.', ''), port.shape]));
    expect(shapes).toEqual(new Map(states.map((state) => [state.name, state.shape])));
  }
});

test.each(['first', 'steady'] as const)(
  'nothing turns the frames at the end of a %s chunk, where the runtime would compute it behind all states',
  (kind) => {
    const { operations } = vaeChunkGraph(config, weights.tensors, { kind, height, width, attention: 'cpu' });
    const maker = (name: string) => operations.find(({ outputs }) => outputs.some((edge) => edge.name === name))!;
    let last = maker('frames');
    while (last.op === 'Reshape' || last.op === 'Clip') last = maker(last.inputs[0]!.name);
    expect(last.op).not.toBe('Transpose');
  },
);

test('the same chunk gives the same bits in every session', () => {
  const graph = vaeChunkGraph(config, weights.tensors, { kind: 'steady', height, width, attention: 'cpu' });
  const states = vaeStates(config, weights.tensors, { height, width, attention: 'cpu' });
  const zeroStates = Object.fromEntries(states.map((state) => [`state.${state.name}`, zeros(state.shape)]));
  const results = [1, 2, 3].map(() => {
    const session = createSession(graph.bytes, { device: device!, weightsFolder: weights.folder, intraOpThreads: 2 });
    try {
      const { frames } = runOnce(session, { latent: frameOf(latents, 2), ...zeroStates });
      return Buffer.from(frames!.data.buffer as ArrayBuffer).toString('hex');
    } finally {
      session.release();
    }
  });
  expect(new Set(results).size).toBe(1);
});
