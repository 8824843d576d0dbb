import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { F32Tensor } from '../../runner/tensor.ts';

/** Folder of the reference numbers. */
export const GOLDEN = join(import.meta.dirname, '../golden/data');

/** One file of reference numbers: its tensors by name, and the settings that made them. */
export interface GoldenCase {
  readonly names: readonly string[];
  /** A float32 tensor; throws where there is none of that name. */
  f32(name: string): F32Tensor;
  /** Whole numbers of an int64 tensor, row-major. */
  integers(name: string): readonly number[];
  setting(name: string): unknown;
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Reads a safetensors file of the reference folder whole: they are small. */
export function readGolden(path: string): GoldenCase {
  const bytes = readFileSync(join(GOLDEN, path));
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const { __metadata__: settings = {}, ...entries } = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength)) as Record<
    string,
    Entry
  > & { __metadata__?: Record<string, string> };

  function read(name: string, dtype: string): [Entry, ArrayBuffer] {
    const entry = (entries as Record<string, Entry>)[name];
    if (entry === undefined || entry.dtype !== dtype) throw new Error(`${path} has no ${dtype} tensor ${name}`);
    const [start, end] = entry.data_offsets;
    return [entry, new Uint8Array(bytes.subarray(8 + headerLength + start, 8 + headerLength + end)).buffer];
  }

  return {
    names: Object.keys(entries),
    f32(name) {
      const [{ shape }, buffer] = read(name, 'F32');
      return { shape, data: new Float32Array(buffer) };
    },
    integers(name) {
      return Array.from(new BigInt64Array(read(name, 'I64')[1]), Number);
    },
    setting(name) {
      const text = (settings as Record<string, string>)[name];
      return text === undefined ? undefined : JSON.parse(text);
    },
  };
}

/** The largest difference between two lists of equal length; NaN counts as infinitely far. */
export function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let index = 0; index < expected.length; index++) {
    const difference = Math.abs(actual[index]! - expected[index]!);
    largest = difference <= largest ? largest : Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return largest;
}
