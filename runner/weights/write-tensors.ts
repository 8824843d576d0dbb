import type { F32Tensor } from '../tensor.ts';

/** Tensors as the bytes of a safetensors file, in the order given; metadata are texts. */
export function safetensorsBytes(
  tensors: ReadonlyMap<string, F32Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  let offset = 0;
  const entries = [...tensors].map(([name, { shape, data }]) => {
    const begin = offset;
    offset += data.byteLength;
    return [name, { dtype: 'F32', shape, data_offsets: [begin, offset] }] as const;
  });
  const head = Object.keys(metadata).length === 0 ? [] : [['__metadata__', metadata] as const];
  const text = Buffer.from(JSON.stringify(Object.fromEntries([...head, ...entries])));
  // Data starts at a multiple of eight bytes, as the format's own writer has it.
  const header = Buffer.concat([text, Buffer.alloc((8 - (text.byteLength % 8)) % 8, ' ')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.byteLength));
  const data = [...tensors.values()].map((t) => Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength));
  return Buffer.concat([length, header, ...data]);
}
