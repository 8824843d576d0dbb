import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import type { CodedError } from '#contract/error.ts';
import { deviceError } from './errors.ts';
import { unbroken } from './unbroken.ts';

/**
 * The runtime's shared library, opened by this thread through koffi. onnxruntime-node is installed for this file alone:
 * its own JavaScript binding copies every output and cannot keep tensors on a GPU.
 */
export interface Library {
  /** Of the file, also where a bare name was opened, which the system's loader looks for. */
  readonly path: string;
  readonly handle: LibraryHandle;
}

// A library whose handle is collected is unloaded, and the next call into it crashes the process: hold it for good.
let opened: Library | undefined;
let process_: LibraryHandle | undefined;

const VARIABLE = 'DUALPARAL_ORT_LIBRARY';
/** What every ONNX Runtime gives its functions by. */
export const ENTRY = 'OrtGetApiBase';

/**
 * Path of the library that npm installed for this machine. Set `DUALPARAL_ORT_LIBRARY` to use another file, or one that the system's loader
 * finds by its name: then it is opened, and the path is the file's; the name alone where it cannot be.
 */
export function libraryPath(): string {
  const named = namedLibrary();
  if (!isBare(named)) return named;
  try {
    return openLibrary().path;
  } catch {
    return named;
  }
}

/** Loaders look for such a name in their own folders; a path is taken as it is. */
function isBare(name: string): boolean {
  return !name.includes('/');
}

function namedLibrary(): string {
  const override = process.env[VARIABLE];
  if (override !== undefined && override !== '') return override;
  const installed = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  const name = process.platform === 'darwin' ? 'libonnxruntime.1.dylib' : 'libonnxruntime.so.1';
  return join(installed, 'bin', 'napi-v6', process.platform, process.arch, name);
}

/** Opens the library once per thread. Throws `E_DEVICE_LIBRARY`. */
export function openLibrary(): Library {
  if (opened !== undefined) return opened;
  const path = namedLibrary();
  try {
    const handle = unbroken(() => koffi.load(path));
    // Another library that loads is none.
    unbroken(() => handle.func(ENTRY, 'void *', []));
    const pinned = unbroken(() => pin(path));
    opened = { path: isBare(path) ? (unbroken(() => fileOf(pinned)) ?? path) : path, handle };
    return opened;
  } catch (error) {
    throw libraryError(path, error instanceof Error ? error.message : String(error), error);
  }
}

/** The error of a library that cannot be used. */
export function libraryError(file: string, detail: string, cause?: unknown): CodedError {
  const platform = `${process.platform}/${process.arch}`;
  const remedy = process.env[VARIABLE]
    ? `${VARIABLE} names it: name another, or leave the variable out`
    : 'install dependencies with "npm ci"';
  return deviceError('E_DEVICE_LIBRARY', { file, platform, detail, remedy }, cause);
}

/** Marks the library as never to be unloaded: threads that end must not take it away from the others. */
function pin(path: string): bigint | null {
  const now = 0x2;
  const noDelete = process.platform === 'darwin' ? 0x80 : 0x1000;
  return ownProcess().func('void *dlopen(const char *path, int flags)')(path, now | noDelete);
}

/** The file that a loaded library comes from, by one of its functions; undefined where that is not there. */
function fileOf(library: bigint | null): string | undefined {
  const symbol = ownProcess().func('void *dlsym(void *library, const char *name)')(library, ENTRY);
  // The file's name is the first of four pointers.
  const found = new BigUint64Array(4);
  const isFound = symbol !== null && ownProcess().func('int dladdr(void *address, void *found)')(symbol, found) !== 0;
  return isFound && found[0] !== 0n ? koffi.decode.string(found[0]!) : undefined;
}

function ownProcess(): LibraryHandle {
  process_ ??= koffi.load(null);
  return process_;
}
