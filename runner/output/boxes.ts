/**
 * The boxes of an mp4 file (ISO/IEC 14496-12): size, four-letter type, content, and boxes within boxes.
 * Reading checks every bound; writing builds a box from its parts.
 */

import { outputError } from './errors.ts';

/** Where a box lies in the bytes that it was read from: `[start, end)` whole, `[content, end)` without its header. */
export interface Box {
  readonly type: string;
  readonly start: number;
  readonly content: number;
  readonly end: number;
}

/** Shortest header: a size in 4 bytes, then the type. */
export const BOX_HEADER_BYTES = 8;
const LONG_HEADER_BYTES = 16;

/** Size and type from a header; `size` is that of the whole box. `available`: bytes from the box's start to its parent's end. */
export function readBoxHeader(
  header: Uint8Array,
  available: number,
): { readonly type: string; readonly headerBytes: number; readonly size: number } {
  if (header.byteLength < BOX_HEADER_BYTES) throw damaged('a box ends within its header');
  const view = viewOf(header);
  const type = String.fromCharCode(...header.subarray(4, 8));
  const short = view.getUint32(0);
  const isLong = short === 1 && header.byteLength >= LONG_HEADER_BYTES;
  const size = isLong ? Number(view.getBigUint64(8)) : short === 0 ? available : short;
  const headerBytes = isLong ? LONG_HEADER_BYTES : BOX_HEADER_BYTES;
  if (size < headerBytes || size > available) throw damaged(`box '${type}' claims ${size} of ${available} bytes`);
  return { type, headerBytes, size };
}

/** The boxes side by side in `bytes[start, end)`. */
export function readBoxes(bytes: Uint8Array, start = 0, end = bytes.byteLength): readonly Box[] {
  const boxes: Box[] = [];
  for (let at = start; at < end; ) {
    const { type, headerBytes, size } = readBoxHeader(bytes.subarray(at, at + LONG_HEADER_BYTES), end - at);
    boxes.push({ type, start: at, content: at + headerBytes, end: at + size });
    at += size;
  }
  return boxes;
}

/** The first box at `path` ('moov/trak/mdia'), or undefined. */
export function findBox(bytes: Uint8Array, path: string, within?: Box): Box | undefined {
  let found = within;
  for (const type of path.split('/')) {
    found = readBoxes(bytes, found?.content ?? 0, found?.end).find((box) => box.type === type);
    if (found === undefined) return undefined;
  }
  return found;
}

/** Like {@link findBox}; a box that is not there is an error that names it. */
export function needBox(bytes: Uint8Array, path: string, within?: Box): Box {
  const found = findBox(bytes, path, within);
  if (found === undefined) throw damaged(`it has no ${path} box`);
  return found;
}

/** A view of a box's content from which numbers are read; a read past its end throws a RangeError. */
export function contentOf(bytes: Uint8Array, box: Box): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset + box.content, box.end - box.content);
}

/** The box as bytes of its own (not copied). */
export function bytesOf(bytes: Uint8Array, box: Box): Uint8Array {
  return bytes.subarray(box.start, box.end);
}

/** Bytes of a box made of `parts`. */
export function makeBox(type: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return join([uint32(BOX_HEADER_BYTES + lengthOf(parts)), ascii(type), ...parts]);
}

/** A box that begins with a version and 24 flags. */
export function makeFullBox(type: string, version: number, flags: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return makeBox(type, uint32(version * 2 ** 24 + flags), ...parts);
}

/** Big-endian 32-bit numbers. */
export function uint32(...values: readonly number[]): Uint8Array {
  return uint32s(values);
}

/** {@link uint32} for a list of any length. */
export function uint32s(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = viewOf(bytes);
  values.forEach((value, i) => {
    view.setUint32(4 * i, value);
  });
  return bytes;
}

/** Big-endian 16-bit numbers. */
export function uint16(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(2 * values.length);
  const view = viewOf(bytes);
  values.forEach((value, i) => {
    view.setUint16(2 * i, value);
  });
  return bytes;
}

/** Big-endian 64-bit numbers. */
export function uint64(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = viewOf(bytes);
  values.forEach((value, i) => {
    view.setBigUint64(8 * i, BigInt(value));
  });
  return bytes;
}

/** Text of one byte a character, such as a box's type. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Bytes one after another. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(lengthOf(parts));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

/** Bytes that are no mp4, without the name of their file: whoever knows it makes a coded error of it ({@link named}). */
class Damage extends Error {}

/** Error for bytes whose boxes make no sense; `reason` completes "… cannot be read: it". */
export function damaged(reason: string): Error {
  return new Damage(reason);
}

/** Runs `body`; damage that it meets (a read past the end of a box, too) becomes `E_OUTPUT_MP4` of `file`. */
export async function named<T>(file: string, body: () => T | Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof Damage) throw outputError('E_OUTPUT_MP4', { file, reason: error.message }, error);
    if (!(error instanceof RangeError)) throw error;
    throw outputError('E_OUTPUT_MP4', { file, reason: 'a box ends within its fields' }, error);
  }
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.byteLength, 0);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
