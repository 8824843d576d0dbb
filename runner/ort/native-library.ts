import koffi, { type LibraryHandle } from 'koffi';
import { unbroken } from './unbroken.ts';

/** What may be given to a C function: a number, an address, or memory that it reads or fills. */
export type NativeArgument = number | bigint | ArrayBufferView | null;

/** A C library whose functions are called by name. */
export interface NativeLibrary {
  has(name: string): boolean;
  /** Calls `int name(…)`; one letter per parameter: p pointer, i int, u unsigned int, z size_t. Throws a plain error where the library lacks it. */
  call(name: string, letters: string, ...args: readonly NativeArgument[]): number;
  /** The same function, found once, for those who call it often. */
  bind(name: string, letters: string): (...args: readonly NativeArgument[]) => number;
  /** Calls `const char *name(int)`. */
  text(name: string, code: number): string;
}

const LETTERS = { p: 'void *', i: 'int32_t', u: 'uint32_t', z: 'size_t' } as const;

// A library whose handle is collected is unloaded, and the next call into it crashes the process: hold it for good.
const opened = new Map<string | null, LibraryHandle>();

/** Opens a library by name or path, as the system's loader finds it; null is the running program. Gives the loader's words where it cannot. */
export function openNative(file: string | null): NativeLibrary | { readonly problem: string } {
  try {
    const handle = opened.get(file) ?? unbroken(() => koffi.load(file));
    opened.set(file, handle);
    return bound(handle);
  } catch (error) {
    return { problem: reasonOf(error) };
  }
}

function bound(handle: LibraryHandle): NativeLibrary {
  const find = (name: string, result: string, letters: string) =>
    unbroken(() =>
      handle.func(
        name,
        result,
        [...letters].map((letter) => LETTERS[letter as keyof typeof LETTERS]),
      ),
    );
  return {
    has(name) {
      try {
        find(name, 'int32_t', '');
        return true;
      } catch {
        return false;
      }
    },
    call: (name, letters, ...args) => find(name, 'int32_t', letters)(...args),
    bind: (name, letters) => find(name, 'int32_t', letters),
    text: (name, code) => String(find(name, 'const char *', 'i')(code)),
  };
}

/** The one line of any thrown value. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The C string at the start of a buffer. */
export function textIn(buffer: Uint8Array): string {
  const end = buffer.indexOf(0);
  return Buffer.from(buffer.subarray(0, end < 0 ? buffer.length : end)).toString('utf8');
}
