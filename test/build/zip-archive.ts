/** A zip archive in memory, as small as one can be: what a test unpacks. */
import { crc32, deflateRawSync } from 'node:zlib';

/** Bytes of an archive of these files, path → contents; even ones are compressed, odd ones stored. */
export function zipArchive(files: Readonly<Record<string, Uint8Array | string>>): Buffer {
  const parts: Buffer[] = [];
  const rows: Buffer[] = [];
  let offset = 0;
  for (const [index, [path, contents]] of Object.entries(files).entries()) {
    const bytes = Buffer.from(contents);
    const packed = index % 2 === 0 ? deflateRawSync(bytes) : bytes;
    const name = Buffer.from(path);
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(index % 2 === 0 ? 8 : 0, 4);
    shared.writeUInt32LE(crc32(bytes), 10);
    shared.writeUInt32LE(packed.length, 14);
    shared.writeUInt32LE(bytes.length, 18);
    shared.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([numbers(0x04034b50), shared, name, packed]);
    rows.push(
      Buffer.concat([numbers(0x02014b50), Buffer.from([20, 0]), shared, Buffer.alloc(10), numbers(offset), name]),
    );
    parts.push(local);
    offset += local.length;
  }
  const list = Buffer.concat(rows);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(rows.length, 8);
  end.writeUInt16LE(rows.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, list, end]);
}

function numbers(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
