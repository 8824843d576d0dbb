import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { cpuDevices } from '../ort/device.ts';
import { runOnce } from '../ort/run-once.ts';
import { createSession } from '../ort/session.ts';
import { readJsonFile } from '../weights/model-file.ts';
import { readTensors } from '../weights/read-tensors.ts';
import { openWeights } from '../weights/shards.ts';
import { parseTextEncoderConfig } from './component-configs.ts';
import { relativeBuckets, type TextEncoderOptions, textEncoderGraph } from './text-encoder.ts';

const GOLDEN = fileURLToPath(new URL('../../test/golden/data/', import.meta.url));
const BOUND = 1e-4;
const [device] = cpuDevices(1);

const config = parseTextEncoderConfig(readJsonFile(`${GOLDEN}tiny-wan/text_encoder/config.json`, 'config.json'));
const weights = openWeights(`${GOLDEN}tiny-wan`, 'text_encoder', 'model');

function openEncoder(options: TextEncoderOptions) {
  const graph = textEncoderGraph(config, weights.tensors, options);
  const session = createSession(graph.bytes, { device: device!, weightsFolder: weights.folder });
  const row = (data: readonly number[]) => ({
    dtype: 'I64' as const,
    shape: [1, data.length],
    data: BigInt64Array.from(data, BigInt),
  });
  return {
    run: (ids: readonly number[], mask: readonly number[]) =>
      runOnce(session, { ids: row(ids), mask: row(mask) }).embeds!,
    [Symbol.dispose]: () => session.release(),
  };
}

test('embeddings equal the reference for every prompt, padding rows zero', () => {
  const golden = readTensors(`${GOLDEN}text.safetensors`);
  const [ids, mask, embeds] = [golden.integers('ids'), golden.integers('mask'), golden.f32('embeds')];
  const [prompts, tokens] = ids.shape as [number, number];
  using encoder = openEncoder({ tokens, attention: 'cpu', dtype: 'F32' });
  for (let prompt = 0; prompt < prompts; prompt++) {
    const rowOf = (data: readonly number[]) => data.slice(prompt * tokens, (prompt + 1) * tokens);
    const out = encoder.run(rowOf(ids.data), rowOf(mask.data));
    expect(out.shape).toEqual([1, tokens, config.width]);
    const wanted = embeds.data.subarray(prompt * out.data.length, (prompt + 1) * out.data.length);
    const error = out.data.reduce((max, value, at) => Math.max(max, Math.abs(value - wanted[at]!)), 0);
    expect(error).toBeLessThan(BOUND);
    const used = rowOf(mask.data).reduce((sum, one) => sum + one, 0);
    expect(out.data.subarray(used * config.width).every((value) => value === 0)).toBe(true);
  }
});

test('a text is read alike whatever the longest text that the graph is made for', () => {
  const golden = readTensors(`${GOLDEN}text.safetensors`);
  const [ids, mask] = [golden.integers('ids'), golden.integers('mask')];
  const tokens = ids.shape[1]!;
  const [short, long] = [tokens, 512].map((longest) => {
    using encoder = openEncoder({ tokens: longest, attention: 'cpu', dtype: 'F32' });
    return encoder.run(ids.data.slice(0, tokens), mask.data.slice(0, tokens));
  });
  expect(Buffer.from(short!.data.buffer).equals(Buffer.from(long!.data.buffer))).toBe(true);
});

test('distances fall into the buckets of the reference', () => {
  const tokens = 512;
  const table = relativeBuckets(tokens, 32, 128);
  const after = table.subarray(tokens - 1);
  const before = table.subarray(0, tokens).toReversed();
  const distances = [0, 1, 7, 8, 11, 12, 15, 16, 22, 23, 31, 32, 45, 46, 63, 64, 90, 91, 200, 511];
  const wanted = [0, 1, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15, 15];
  expect(distances.map((distance) => before[distance])).toEqual(wanted);
  expect(distances.slice(1).map((distance) => after[distance])).toEqual(wanted.slice(1).map((bucket) => bucket + 16));
});
