import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { bytesPerElement, elementCount, type FloatType } from '../../runner/tensor.ts';

/** A tensor to be stored: its name and shape. */
export type Shape = readonly [name: string, shape: readonly number[]];

/**
 * Writes a safetensors file of the true size that holds its header and, at the start of every tensor, a number of its own: the
 * runtime keeps equal weights once. The rest is a hole, which takes no place on the disk and reads as zeros. Gives the bytes
 * of its tensors.
 */
export function writeSparseFile(path: string, tensors: readonly Shape[], dtype: FloatType): number {
  let end = 0;
  const entries = tensors.map(([name, shape]) => {
    const begin = end;
    end += elementCount(shape) * bytesPerElement(dtype);
    return [name, { dtype, shape, data_offsets: [begin, end] }] as const;
  });
  const text = Buffer.from(JSON.stringify({ __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) }));
  const padded = Buffer.concat([text, Buffer.alloc((8 - (text.byteLength % 8)) % 8, ' ')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.byteLength));
  const file = openSync(path, 'w');
  try {
    writeSync(file, Buffer.concat([length, padded]));
    const start = length.byteLength + padded.byteLength;
    ftruncateSync(file, start + end);
    for (const [index, [, { data_offsets: offsets }]] of entries.entries()) {
      // Sixteen bits of any float type, small and never zero.
      writeSync(file, Uint8Array.of(index % 256, 0x20 + Math.floor(index / 256)), 0, 2, start + offsets[0]!);
    }
  } finally {
    closeSync(file);
  }
  return end;
}
