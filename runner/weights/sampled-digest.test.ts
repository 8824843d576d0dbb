import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { sampledDigest } from './sampled-digest.ts';
import { openWeights } from './shards.ts';

const TINY = join(import.meta.dirname, '../../models/tiny');
const scratch = mkdtempSync(join(tmpdir(), 'dualparal-digest-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const FILE = 'transformer/diffusion_pytorch_model.safetensors';
const digestIn = (folder: string) =>
  sampledDigest([openWeights(folder, 'transformer', 'diffusion_pytorch_model'), null]);

beforeEach(() => {
  rmSync(join(scratch, 'model'), { recursive: true, force: true });
  cpSync(join(TINY, 'transformer'), join(scratch, 'model/transformer'), { recursive: true });
});

test('weights have the same digest wherever they lie', () => {
  expect(digestIn(join(scratch, 'model'))).toBe(digestIn(TINY));
});

test('other numbers in the same places have another one', () => {
  const path = join(scratch, 'model', FILE);
  const bytes = readFileSync(path);
  const header = Number(bytes.readBigUInt64LE(0)) + 8;
  for (let at = header; at < bytes.length; at += 4) bytes[at]! ^= 1;
  writeFileSync(path, bytes);
  expect(digestIn(join(scratch, 'model'))).not.toBe(digestIn(TINY));
});

test('an expert more or less is another model', () => {
  const weights = openWeights(TINY, 'transformer', 'diffusion_pytorch_model');
  expect(sampledDigest([weights, weights])).not.toBe(sampledDigest([weights, null]));
});
