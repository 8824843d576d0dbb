import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import { deviceError } from './errors.ts';
import { unbroken } from './unbroken.ts';

/**
 * The runtime's shared library, opened by this thread through koffi. onnxruntime-node is installed for this file alone:
 * its own JavaScript binding copies every output and cannot keep tensors on a GPU.
 */
export interface Library {
  readonly path: string;
  readonly handle: LibraryHandle;
}

// A library whose handle is collected is unloaded, and the next call into it crashes the process: hold it for good.
let opened: Library | undefined;
let process_: LibraryHandle | undefined;

const VARIABLE = 'DUALPARAL_ORT_LIBRARY';

/** Path of the library that npm installed for this machine. Set `DUALPARAL_ORT_LIBRARY` to use another file. */
export function libraryPath(): string {
  const override = process.env[VARIABLE];
  if (override !== undefined && override !== '') return override;
  const installed = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  const name = process.platform === 'darwin' ? 'libonnxruntime.1.dylib' : 'libonnxruntime.so.1';
  return join(installed, 'bin', 'napi-v6', process.platform, process.arch, name);
}

/** Opens the library once per thread. Throws `E_DEVICE_LIBRARY`. */
export function openLibrary(): Library {
  if (opened !== undefined) return opened;
  const path = libraryPath();
  try {
    const handle = unbroken(() => koffi.load(path));
    unbroken(() => pin(path));
    opened = { path, handle };
    return opened;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const platform = `${process.platform}/${process.arch}`;
    const remedy = process.env[VARIABLE]
      ? `${VARIABLE} names it: name another, or leave the variable out`
      : 'install dependencies with "npm ci"';
    throw deviceError('E_DEVICE_LIBRARY', { file: path, platform, detail, remedy }, error);
  }
}

/** Marks the library as never to be unloaded: threads that end must not take it away from the others. */
function pin(path: string): void {
  const now = 0x2;
  const noDelete = process.platform === 'darwin' ? 0x80 : 0x1000;
  process_ ??= koffi.load(null);
  process_.func('void *dlopen(const char *path, int flags)')(path, now | noDelete);
}
