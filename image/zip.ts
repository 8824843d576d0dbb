/** Reading single files out of a zip archive, which a wheel is. */
import { createReadStream, createWriteStream, writeFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';
import { imageError } from './errors.ts';
import { type RandomAccess, withFile } from './random-access.ts';

export interface ZipEntry {
  readonly path: string;
  readonly deflated: boolean;
  readonly packedBytes: number;
  readonly bytes: number;
  /** Where the entry's own header is. */
  readonly offset: number;
}

const END = { mark: 0x06054b50, bytes: 22, longestComment: 0xffff } as const;
const ROW = { mark: 0x02014b50, bytes: 46 } as const;
const LOCAL_BYTES = 30;
const DEFLATE = 8;

/** The archive's list of files; undefined where there is none. Archives of more than 4 GiB have another list, and none is read. */
export function readZipEntries(archive: RandomAccess): ZipEntry[] | undefined {
  const tailBytes = Math.min(archive.size, END.bytes + END.longestComment);
  const tail = archive.read(archive.size - tailBytes, tailBytes);
  const mark = Buffer.alloc(4);
  mark.writeUInt32LE(END.mark);
  const end = tail.lastIndexOf(mark);
  if (end < 0 || end + END.bytes > tail.length) return undefined;
  const count = tail.readUInt16LE(end + 10);
  const list = archive.read(tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
  const entries: ZipEntry[] = [];
  for (let at = 0; entries.length < count; ) {
    if (at + ROW.bytes > list.length || list.readUInt32LE(at) !== ROW.mark) return undefined;
    const pathBytes = list.readUInt16LE(at + 28);
    entries.push({
      path: list.toString('utf8', at + ROW.bytes, at + ROW.bytes + pathBytes),
      deflated: list.readUInt16LE(at + 10) === DEFLATE,
      packedBytes: list.readUInt32LE(at + 20),
      bytes: list.readUInt32LE(at + 24),
      offset: list.readUInt32LE(at + 42),
    });
    at += ROW.bytes + pathBytes + list.readUInt16LE(at + 30) + list.readUInt16LE(at + 32);
  }
  return entries;
}

/** Writes files of an archive: path inside it → file on disk. Throws `E_IMAGE_WHEEL_FILE` for one that it does not hold. */
export function unzip(archive: string, files: ReadonlyMap<string, string>): Promise<void> {
  return withFile(archive, async (access) => {
    const entries = readZipEntries(access) ?? [];
    for (const [path, output] of files) {
      const entry = entries.find((candidate) => candidate.path === path);
      if (entry === undefined) throw imageError('E_IMAGE_WHEEL_FILE', { wheel: archive, path });
      await writeEntry(archive, access, entry, output);
    }
  });
}

async function writeEntry(archive: string, access: RandomAccess, entry: ZipEntry, output: string): Promise<void> {
  const head = access.read(entry.offset, LOCAL_BYTES);
  const start = entry.offset + LOCAL_BYTES + head.readUInt16LE(26) + head.readUInt16LE(28);
  // An empty file has no last byte to read to.
  if (entry.packedBytes === 0) return writeFileSync(output, '');
  const target = createWriteStream(output);
  const source = createReadStream(archive, { start, end: start + entry.packedBytes - 1, highWaterMark: 1 << 20 });
  await (entry.deflated ? pipeline(source, createInflateRaw(), target) : pipeline(source, target));
  if (target.bytesWritten !== entry.bytes) throw imageError('E_IMAGE_WHEEL_FILE', { wheel: archive, path: entry.path });
}
