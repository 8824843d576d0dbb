import { expect, test } from 'vitest';
import { cpuDevices } from '../ort/device.ts';
import { runOnce } from '../ort/run-once.ts';
import { createSession } from '../ort/session.ts';
import { readTensors } from '../weights/read-tensors.ts';
import { openWeights, readJsonFile } from '../weights/shards.ts';
import { parseTextEncoderConfig } from './component-configs.ts';
import { relativeBuckets, textEncoderGraph } from './text-encoder.ts';

const GOLDEN = new URL('../../test/golden/data/', import.meta.url).pathname;
const BOUND = 1e-4;
const [device] = cpuDevices(1);

test('embeddings equal the reference for every prompt, padding rows zero', () => {
  const config = parseTextEncoderConfig(readJsonFile(`${GOLDEN}tiny-wan/text_encoder/config.json`, 'config.json'));
  const weights = openWeights(`${GOLDEN}tiny-wan`, 'text_encoder', 'model');
  const golden = readTensors(`${GOLDEN}text.safetensors`);
  const [ids, mask, embeds] = [golden.integers('ids'), golden.integers('mask'), golden.f32('embeds')];
  const [prompts, tokens] = ids.shape as [number, number];
  const graph = textEncoderGraph(config, weights.tensors, { tokens, attention: 'cpu', dtype: 'F32' });
  const session = createSession(graph.bytes, { device: device!, weightsFolder: weights.folder });
  const row = (data: readonly number[], prompt: number) => ({
    dtype: 'I64' as const,
    shape: [1, tokens],
    data: BigInt64Array.from(data.slice(prompt * tokens, (prompt + 1) * tokens), BigInt),
  });
  try {
    for (let prompt = 0; prompt < prompts; prompt++) {
      const out = runOnce(session, { ids: row(ids.data, prompt), mask: row(mask.data, prompt) }).embeds!;
      expect(out.shape).toEqual([1, tokens, config.width]);
      const wanted = embeds.data.subarray(prompt * out.data.length, (prompt + 1) * out.data.length);
      const error = out.data.reduce((max, value, at) => Math.max(max, Math.abs(value - wanted[at]!)), 0);
      expect(error).toBeLessThan(BOUND);
      const used = mask.data.slice(prompt * tokens, (prompt + 1) * tokens).reduce((sum, one) => sum + one, 0);
      expect(out.data.subarray(used * config.width).every((value) => value === 0)).toBe(true);
    }
  } finally {
    session.release();
  }
});

test('distances fall into the buckets of the reference', () => {
  const tokens = 512;
  const table = relativeBuckets(tokens, 32, 128);
  const forward = [0, 1, 7, 8, 11, 12, 15, 16, 22, 23, 31, 32, 45, 46, 63, 64, 90, 91, 200, 511];
  const wanted = [0, 1, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15, 15];
  expect(forward.map((distance) => table[distance * tokens])).toEqual(wanted);
  expect(forward.slice(1).map((distance) => table[distance])).toEqual(wanted.slice(1).map((bucket) => bucket + 16));
});
