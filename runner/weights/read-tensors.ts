import { readSync } from 'node:fs';
import { bytesPerElement, type DType, type F32Tensor, type TensorEntry } from '../tensor.ts';
import { weightsError } from './errors.ts';
import { withModelFile } from './model-file.ts';
import { readSafetensorsHeader } from './safetensors.ts';

/** All tensors of a small safetensors file, in memory: what noise files and reference numbers are read with. */
export interface TensorFile {
  readonly names: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  has(name: string): boolean;
  /** The tensor's numbers as float32, whatever type it is stored in. Throws `E_MODEL_FILE` when it is not there. */
  f32(name: string): F32Tensor;
  /** The tensor's numbers as integers. Throws `E_MODEL_FILE` when it is not there or not of an integer type. */
  integers(name: string): { readonly shape: readonly number[]; readonly data: readonly number[] };
}

const LIMIT_BYTES = 2 ** 30;

/**
 * Opens a safetensors file of at most `limitBytes` (1 GiB unless said); each tensor is read when asked for. Throws as
 * {@link readSafetensorsHeader}, and `E_MODEL_FILE` for a file beyond the limit.
 */
export function readTensors(path: string, limitBytes: number = LIMIT_BYTES): TensorFile {
  const header = readSafetensorsHeader(path);
  if (header.byteLength > limitBytes) {
    const problem = `has ${header.byteLength} bytes, the limit is ${limitBytes}`;
    throw weightsError('E_MODEL_FILE', { file: path, problem });
  }
  const entryOf = (name: string): TensorEntry => {
    const entry = header.tensors.get(name);
    if (entry !== undefined) return entry;
    const names = [...header.tensors.keys()].slice(0, 20).join(', ');
    throw weightsError('E_MODEL_FILE', { file: path, problem: `has no tensor "${name}", only: ${names}` });
  };
  return {
    names: [...header.tensors.keys()],
    metadata: header.metadata,
    has: (name) => header.tensors.has(name),
    f32(name) {
      const entry = entryOf(name);
      return { shape: entry.shape, data: Float32Array.from(numbers(path, entry), Number) };
    },
    integers(name) {
      const entry = entryOf(name);
      if (!/^[IU]/.test(entry.dtype)) {
        const problem = `tensor "${name}" is ${entry.dtype}, wanted an integer type`;
        throw weightsError('E_MODEL_FILE', { file: path, problem });
      }
      return { shape: entry.shape, data: Array.from(numbers(path, entry), Number) };
    },
  };
}

type Read = (view: DataView, at: number) => number | bigint;

const READERS: Readonly<Record<DType, Read>> = {
  F64: (view, at) => view.getFloat64(at, true),
  F32: (view, at) => view.getFloat32(at, true),
  F16: (view, at) => view.getFloat16(at, true),
  BF16: (view, at) => bfloat16(view.getUint16(at, true)),
  I64: (view, at) => view.getBigInt64(at, true),
  I32: (view, at) => view.getInt32(at, true),
  I16: (view, at) => view.getInt16(at, true),
  I8: (view, at) => view.getInt8(at),
  U64: (view, at) => view.getBigUint64(at, true),
  U32: (view, at) => view.getUint32(at, true),
  U16: (view, at) => view.getUint16(at, true),
  U8: (view, at) => view.getUint8(at),
  BOOL: (view, at) => view.getUint8(at),
};

const scratch = new DataView(new ArrayBuffer(4));

function bfloat16(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}

function* numbers(path: string, entry: TensorEntry): Generator<number | bigint> {
  const view = new DataView(readRange(path, entry));
  const step = bytesPerElement(entry.dtype);
  const read = READERS[entry.dtype];
  for (let at = 0; at < entry.byteLength; at += step) yield read(view, at);
}

function readRange(path: string, { offset, byteLength }: TensorEntry): ArrayBuffer {
  return withModelFile(path, path, ({ descriptor }) => {
    const bytes = new Uint8Array(byteLength);
    let have = 0;
    while (have < byteLength) {
      const read = readSync(descriptor, bytes, have, byteLength - have, offset + have);
      if (read === 0) {
        throw weightsError('E_WEIGHTS_TRUNCATED', { file: path, have: offset + have, need: offset + byteLength });
      }
      have += read;
    }
    return bytes.buffer;
  });
}
