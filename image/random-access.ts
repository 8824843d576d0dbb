/** Reading a file here and there: large ones are not taken into memory for the few bytes that matter. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

export interface RandomAccess {
  readonly size: number;
  /** Bytes from `offset`; fewer than `length` at the end of the file. */
  read(offset: number, length: number): Buffer;
}

/** Opens a file for as long as `use` takes. */
export async function withFile<T>(file: string, use: (access: RandomAccess) => T | Promise<T>): Promise<T> {
  const descriptor = openSync(file, 'r');
  try {
    return await use({
      size: fstatSync(descriptor).size,
      read(offset, length) {
        const bytes = Buffer.alloc(length);
        return bytes.subarray(0, readSync(descriptor, bytes, 0, length, offset));
      },
    });
  } finally {
    closeSync(descriptor);
  }
}

/** Bytes in memory, read in the same way. */
export function accessTo(bytes: Buffer): RandomAccess {
  return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
}
