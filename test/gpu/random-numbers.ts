import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fillNormals, STREAMS } from '../../runner/diffusion/random.ts';
import { bytesPerElement, elementCount, type FloatType } from '../../runner/tensor.ts';
import { type ComponentWeights, openWeights } from '../../runner/weights/shards.ts';

/** Normal numbers that every tensor is cut from, each at a place of its own: full-size weights in seconds. */
const POOL = 2 ** 21 + 17;
let pool: Float32Array | undefined;

function normals(): Float32Array {
  if (pool === undefined) {
    pool = new Float32Array(POOL);
    fillNormals(pool, 7, STREAMS.noise, 0);
    // Every number is one of bfloat16, so that all types of the matrix work read the same weights.
    const bits = new Uint32Array(pool.buffer);
    for (let at = 0; at < bits.length; at++) bits[at]! &= 0xffff0000;
  }
  return pool;
}

/** `count` normal numbers, the same for the same `seed`. */
export function pooled(count: number, seed: number): Float32Array {
  const source = normals();
  const out = new Float32Array(count);
  let from = (seed * 100_003) % POOL;
  for (let at = 0; at < count; ) {
    const part = source.subarray(from, from + Math.min(count - at, POOL - from));
    out.set(part, at);
    at += part.length;
    from = 0;
  }
  return out;
}

/** Numbers in a type of the matrix work; in bfloat16 they are cut, not rounded. */
export function toType(data: Float32Array, dtype: FloatType): Float32Array | Float16Array | Uint16Array {
  if (dtype === 'F32') return data;
  if (dtype === 'F16') return Float16Array.from(data);
  const halves = new Uint16Array(data.buffer, data.byteOffset, data.length * 2);
  const out = new Uint16Array(data.length);
  for (let at = 0; at < out.length; at++) out[at] = halves[2 * at + 1]!;
  return out;
}

/**
 * A component's weights as a safetensors file of random numbers that every type holds exactly: matrices scaled by a power of two
 * near their width's root, scales near one, the rest small.
 */
export function randomWeights(
  folder: string,
  component: string,
  tensors: Iterable<readonly [string, readonly number[]]>,
  dtype: FloatType,
): ComponentWeights {
  const path = join(folder, component, 'weights.safetensors');
  if (!existsSync(path)) writeWeights(path, [...tensors], dtype);
  return openWeights(folder, component, 'weights');
}

type Shapes = readonly (readonly [string, readonly number[]])[];

function writeWeights(path: string, tensors: Shapes, dtype: FloatType): void {
  mkdirSync(join(path, '..'), { recursive: true });
  let end = 0;
  const header = tensors.map(([name, shape]) => {
    const begin = end;
    end += elementCount(shape) * bytesPerElement(dtype);
    return [name, { dtype, shape, data_offsets: [begin, end] }] as const;
  });
  const text = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const padding = Buffer.alloc((8 - (text.byteLength % 8)) % 8, ' ');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.byteLength + padding.byteLength));
  const file = openSync(`${path}.part`, 'w');
  writeSync(file, Buffer.concat([length, text, padding]));
  for (const [index, [name, shape]] of tensors.entries()) {
    const bytes = toType(scaled(name, shape, index), dtype);
    for (let at = 0; at < bytes.byteLength; )
      at += writeSync(file, bytes, at, Math.min(2 ** 30, bytes.byteLength - at));
  }
  closeSync(file);
  renameSync(`${path}.part`, path);
}

function scaled(name: string, shape: readonly number[], seed: number): Float32Array {
  const data = pooled(elementCount(shape), seed + 1);
  const isScale = (name.includes('norm') && name.endsWith('weight')) || name.endsWith('gamma');
  if (isScale) return data.fill(1);
  const fanIn = shape.length < 2 || name.includes('scale_shift') ? 64 : elementCount(shape.slice(1));
  const factor = 2 ** -Math.round(Math.log2(fanIn) / 2);
  for (let at = 0; at < data.length; at++) data[at]! *= factor;
  return data;
}
