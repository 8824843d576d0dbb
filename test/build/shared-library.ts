/** A shared library that the loader's tools can read and nothing can run: an ELF head, its dynamic section, and text. */

const HEAD_BYTES = 64;
const SEGMENT_BYTES = 56;
/** The segment lies elsewhere in memory than in the file, as those of real libraries do. */
const ADDRESS_SHIFT = 0x1000;

/** Bytes of a library that needs the `needed` ones; `text` is anything else that it holds. */
export function sharedLibrary({ needed = [], name, text = '' }: LibraryParts = {}): Buffer {
  const names = [...needed, ...(name === undefined ? [] : [name])];
  const table = Buffer.from(`\0${names.map((entry) => `${entry}\0`).join('')}`);
  const dynamicAt = HEAD_BYTES + 2 * SEGMENT_BYTES;
  const rows = names.length + 2;
  const tableAt = dynamicAt + rows * 16;
  const dynamic = Buffer.alloc(rows * 16);
  let at = 1;
  for (const [index, entry] of names.entries()) {
    dynamic.writeBigInt64LE(index < needed.length ? 1n : 14n, index * 16);
    dynamic.writeBigUInt64LE(BigInt(at), index * 16 + 8);
    at += Buffer.byteLength(entry) + 1;
  }
  dynamic.writeBigInt64LE(5n, names.length * 16);
  dynamic.writeBigUInt64LE(BigInt(tableAt + ADDRESS_SHIFT), names.length * 16 + 8);
  const size = tableAt + table.length;
  const segments = [segment(1, 0, size), segment(2, dynamicAt, dynamic.length)];
  return Buffer.concat([head(segments.length), ...segments, dynamic, table, Buffer.from(text)]);
}

interface LibraryParts {
  readonly needed?: readonly string[];
  readonly name?: string;
  readonly text?: string;
}

function head(segments: number): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES);
  bytes.write('\x7fELF\x02\x01\x01', 'latin1');
  bytes.writeBigUInt64LE(BigInt(HEAD_BYTES), 32);
  bytes.writeUInt16LE(SEGMENT_BYTES, 54);
  bytes.writeUInt16LE(segments, 56);
  return bytes;
}

function segment(kind: number, offset: number, fileBytes: number): Buffer {
  const bytes = Buffer.alloc(SEGMENT_BYTES);
  bytes.writeUInt32LE(kind, 0);
  bytes.writeBigUInt64LE(BigInt(offset), 8);
  bytes.writeBigUInt64LE(BigInt(offset + ADDRESS_SHIFT), 16);
  bytes.writeBigUInt64LE(BigInt(fileBytes), 32);
  return bytes;
}
