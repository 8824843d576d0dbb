/** Bytes to store: at once, or piece by piece (a piece may be reused by its maker once the next one is asked for). */
export type Content = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** What was stored: `location` is the path or URI by which people find it. */
export interface StoredFile {
  readonly location: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** What stands under a name: nothing, a file of so many bytes, or something that is no file (a folder, a link, a pipe). */
export type Entry = 'nothing' | { readonly bytes: number } | 'no file';

/**
 * A place for named files: a folder, later a bucket. Names are relative, with `/` between their parts.
 * Every method throws coded errors of this room (`errors.ts`).
 */
export interface Store {
  /** The folder's absolute path, or the prefix's URI. */
  readonly location: string;
  /** Name of this writer: random, and part of the name of all that it has not finished. */
  readonly attempt: string;
  /** Proves that files can be written, before hours of work depend on it. Leaves nothing behind. */
  check(): Promise<void>;
  /**
   * Stores `content` whole or not at all: a reader sees the old file or the new one, a failure leaves no trace. Resolves once a loss of power
   * cannot undo it; `seen` is called before, as soon as readers see the new file.
   */
  put(name: string, content: Content, signal?: AbortSignal, seen?: () => void): Promise<StoredFile>;
  /** Stores a small file where nothing stands yet; false where something does. Of several who try, one succeeds. */
  putNew(name: string, content: Uint8Array): Promise<boolean>;
  /** The file's bytes. */
  get(name: string): Promise<Uint8Array>;
  /** What stands under the name; links are not followed. */
  look(name: string): Promise<Entry>;
  /** Milliseconds since the file was last written, by the store's own clock; undefined where it is not there. */
  age(name: string): Promise<number | undefined>;
  /** At most `length` bytes of the file from `start`: fewer at its end. */
  read(name: string, start: number, length: number): Promise<Uint8Array>;
  /** Reads the file from `start` until `to` is full; gives how many bytes there were: fewer at its end. */
  readInto(name: string, start: number, to: Uint8Array): Promise<number>;
  /** Names that start with `prefix` and lie in its folder (`a/b` looks in `a/`), not in folders below; sorted. */
  list(prefix: string): Promise<readonly string[]>;
  /** Removes the file; one that is not there is no error. */
  remove(name: string): Promise<void>;
  /** Removes what a writer that has ended has not finished in `folder` (`''` or `a/b/`); without its name, what any has. */
  removeUnfinished(attempt: string | undefined, folder: string): Promise<void>;
  /** Bytes that can still be stored; undefined where nobody knows. */
  freeBytes(): Promise<number | undefined>;
}
