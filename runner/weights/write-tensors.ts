import { bytesOf, bytesPerElement, elementCount, type F32Tensor, type FloatType } from '../tensor.ts';

/** Tensors as the bytes of a safetensors file, in the order given, rounded to `dtype`; metadata are texts. */
export function safetensorsBytes(
  tensors: ReadonlyMap<string, F32Tensor>,
  metadata: Readonly<Record<string, string>> = {},
  dtype: FloatType = 'F32',
): Uint8Array {
  const shapes = [...tensors].map(([name, { shape }]) => [name, shape] as const);
  const head = safetensorsHead(new Map(shapes), metadata, dtype);
  return Buffer.concat([head, ...[...tensors.values()].map(({ data }) => storedBytes(data, dtype))]);
}

/** What such a file begins with, before its tensors' numbers: these are known by their shapes. */
export function safetensorsHead(
  shapes: ReadonlyMap<string, readonly number[]>,
  metadata: Readonly<Record<string, string>> = {},
  dtype: FloatType = 'F32',
): Uint8Array {
  let offset = 0;
  const entries = [...shapes].map(([name, shape]) => {
    const begin = offset;
    offset += elementCount(shape) * bytesPerElement(dtype);
    return [name, { dtype, shape, data_offsets: [begin, offset] }] as const;
  });
  const head = Object.keys(metadata).length === 0 ? [] : [['__metadata__', metadata] as const];
  const text = Buffer.from(JSON.stringify(Object.fromEntries([...head, ...entries])));
  // Data starts at a multiple of eight bytes, as the format's own writer has it.
  const header = Buffer.concat([text, Buffer.alloc((8 - (text.byteLength % 8)) % 8, ' ')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.byteLength));
  return Buffer.concat([length, header]);
}

function storedBytes(data: Float32Array, dtype: FloatType): Uint8Array {
  const stored = dtype === 'F32' ? data : dtype === 'F16' ? Float16Array.from(data) : toBfloat16(data);
  return bytesOf(stored);
}

/** The upper halves of float32 numbers, rounded to the nearest, halves to even. */
function toBfloat16(data: Float32Array): Uint16Array {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  return Uint16Array.from(bits, (bit, at) => {
    if (Number.isNaN(data[at])) return 0x7fc0;
    return (bit + 0x7fff + ((bit >>> 16) & 1)) >>> 16;
  });
}
