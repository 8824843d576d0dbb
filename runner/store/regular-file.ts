/**
 * Reading files that people point the program at. A path may lead to anything: a pipe that never answers, a device that never
 * ends, a link to nowhere. Only regular files are opened, and never more than a limit is read.
 */

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  type Stats,
  statSync,
} from 'node:fs';
import { errorName, isUnreachable } from './system-error.ts';

/** Why a file cannot be read. `reason` completes a sentence that begins with the file's name. */
export interface FileFault {
  readonly kind: 'missing' | 'dangling' | 'irregular' | 'large' | 'unreadable' | 'unreachable';
  readonly reason: string;
}

/** An open regular file; who opened it closes it. `size` is of this very file, whatever happens to its name afterwards. */
export interface OpenFile {
  readonly descriptor: number;
  readonly size: number;
}

const CHUNK_BYTES = 2 ** 16;
/** A pipe or a device without anybody at its other end must not keep us waiting, nor become our terminal. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** Opens a regular file, through links. Never waits and never throws. */
export function openRegularFile(path: string): OpenFile | { readonly fault: FileFault } {
  let descriptor: number;
  try {
    // Opening a device can do something; what is no file is therefore not opened at all.
    const fault = kindFault(statSync(path));
    if (fault !== undefined) return { fault };
    descriptor = openSync(path, FLAGS);
  } catch (error) {
    return { fault: systemFault(path, error) };
  }
  try {
    // Another file may have taken the name in between: what counts is what was opened.
    const stats = fstatSync(descriptor);
    const fault = kindFault(stats);
    if (fault === undefined) return { descriptor, size: stats.size };
    closeSync(descriptor);
    return { fault };
  } catch (error) {
    closeSync(descriptor);
    return { fault: systemFault(path, error) };
  }
}

/** The bytes of a regular file of at most `limitBytes`. Never waits and never throws. */
export function readRegularFile(
  path: string,
  limitBytes: number,
): { readonly bytes: Uint8Array } | { readonly fault: FileFault } {
  const file = openRegularFile(path);
  if ('fault' in file) return file;
  try {
    if (file.size > limitBytes) return { fault: tooLarge(`${file.size} bytes`, limitBytes) };
    return readToEnd(file, limitBytes);
  } catch (error) {
    return { fault: systemFault(path, error) };
  } finally {
    closeSync(file.descriptor);
  }
}

/** Whether something has this name: also a link to nowhere, or what cannot be opened. */
export function nameIsTaken(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    return !isMissing(error);
  }
}

/** Text of a file: UTF-8, with or without a byte order mark, which is not part of the text. */
export function decodeUtf8(bytes: Uint8Array): { readonly text: string } | { readonly problem: string } {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return { problem: 'it is UTF-16 text; save it as UTF-8' };
  }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { problem: 'it is not UTF-8 text' };
  }
}

/** A file may grow while it is read, and some report no size at all: the limit counts what was read. */
function readToEnd({ descriptor, size }: OpenFile, limitBytes: number) {
  const chunks: Uint8Array[] = [];
  let have = 0;
  for (;;) {
    const chunk = new Uint8Array(Math.max(size - have, CHUNK_BYTES));
    const read = readSync(descriptor, chunk);
    if (read === 0) return { bytes: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks) };
    chunks.push(chunk.subarray(0, read));
    have += read;
    if (have > limitBytes) return { fault: tooLarge(`more than ${limitBytes} bytes`, limitBytes) };
  }
}

function tooLarge(found: string, limitBytes: number): FileFault {
  return { kind: 'large', reason: `has ${found}, the limit is ${limitBytes}` };
}

function kindFault(stats: Stats): FileFault | undefined {
  if (stats.isFile()) return undefined;
  return { kind: 'irregular', reason: `is ${kindOf(stats)}, not a regular file` };
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a pipe';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function systemFault(path: string, error: unknown): FileFault {
  const { code } = error as NodeJS.ErrnoException;
  if (isMissing(error)) {
    const target = linkTarget(path);
    if (target === undefined) return { kind: 'missing', reason: 'the file is missing' };
    return { kind: 'dangling', reason: `is a link to ${target}, where there is no file` };
  }
  if (code === 'ELOOP') return { kind: 'dangling', reason: 'is a link that leads back to itself' };
  if (code === 'EACCES' || code === 'EPERM') {
    return { kind: 'unreadable', reason: `may not be read by this user (${code}); change its permissions` };
  }
  const name = error instanceof Error ? errorName(error) : String(error);
  return { kind: isUnreachable(error) ? 'unreachable' : 'unreadable', reason: `cannot be read (${name})` };
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
