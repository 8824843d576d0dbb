/** What a shared library says of itself to the loader: its name, and the libraries that it needs. */
import type { RandomAccess } from './random-access.ts';

export interface SharedLibrary {
  /** Name by which others need it (DT_SONAME). */
  readonly name?: string;
  /** Names of the libraries that the loader must find with it (DT_NEEDED), in order. */
  readonly needed: readonly string[];
}

const MAGIC = '\x7fELF';
const BITS_64 = 2;
const LITTLE_ENDIAN = 1;
const SEGMENT = { LOAD: 1, DYNAMIC: 2 } as const;
const DYNAMIC = { NEEDED: 1, STRING_TABLE: 5, SONAME: 14 } as const;
const SEGMENT_BYTES = 56;
const DYNAMIC_ENTRY_BYTES = 16;
const LONGEST_NAME = 256;

interface Segment {
  readonly kind: number;
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
}

/** Reads the dynamic section of a 64-bit little-endian ELF file; undefined where the file is nothing of the kind. */
export function readSharedLibrary(file: RandomAccess): SharedLibrary | undefined {
  const head = file.read(0, 64);
  if (head.length < 64 || head.toString('latin1', 0, 4) !== MAGIC) return undefined;
  if (head[4] !== BITS_64 || head[5] !== LITTLE_ENDIAN) return undefined;
  const segments = readSegments(file, head);
  const dynamic = segments?.find(({ kind }) => kind === SEGMENT.DYNAMIC);
  if (segments === undefined || dynamic === undefined) return undefined;
  const entries = readDynamic(file.read(dynamic.offset, dynamic.fileBytes));
  const table = entries.find(({ tag }) => tag === DYNAMIC.STRING_TABLE)?.value;
  if (table === undefined) return undefined;
  const textAt = (value: number) => readText(file, offsetOf(segments, table) + value);
  const own = entries.find(({ tag }) => tag === DYNAMIC.SONAME);
  const needed = entries.filter(({ tag }) => tag === DYNAMIC.NEEDED).map(({ value }) => textAt(value));
  return own === undefined ? { needed } : { name: textAt(own.value), needed };
}

/** Undefined where the file ends before its list of segments does. */
function readSegments(file: RandomAccess, head: Buffer): readonly Segment[] | undefined {
  const bytesEach = head.readUInt16LE(54);
  const count = head.readUInt16LE(56);
  const list = file.read(Number(head.readBigUInt64LE(32)), count * bytesEach);
  if (bytesEach < SEGMENT_BYTES || list.length < count * bytesEach) return undefined;
  return Array.from({ length: count }, (_, index) => {
    const row = list.subarray(index * bytesEach);
    return {
      kind: row.readUInt32LE(0),
      offset: Number(row.readBigUInt64LE(8)),
      address: Number(row.readBigUInt64LE(16)),
      fileBytes: Number(row.readBigUInt64LE(32)),
    };
  });
}

function readDynamic(bytes: Buffer): readonly { readonly tag: number; readonly value: number }[] {
  return Array.from({ length: Math.floor(bytes.length / DYNAMIC_ENTRY_BYTES) }, (_, index) => ({
    tag: Number(bytes.readBigInt64LE(index * DYNAMIC_ENTRY_BYTES)),
    value: Number(bytes.readBigUInt64LE(index * DYNAMIC_ENTRY_BYTES + 8)),
  }));
}

/** Where in the file an address of the loaded library lies. */
function offsetOf(segments: readonly Segment[], address: number): number {
  const holder = segments.find(
    (segment) =>
      segment.kind === SEGMENT.LOAD && address >= segment.address && address < segment.address + segment.fileBytes,
  );
  return holder === undefined ? address : address - holder.address + holder.offset;
}

function readText(file: RandomAccess, offset: number): string {
  const bytes = file.read(offset, LONGEST_NAME);
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end < 0 ? bytes.length : end);
}
