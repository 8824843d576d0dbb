/** Bytes to store: at once, or piece by piece (a piece may be reused by its maker once the next one is asked for). */
export type Content = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** What was stored: `location` is the path or URI by which people find it. */
export interface StoredFile {
  readonly location: string;
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * A place for named files: a folder, later a bucket. Names are relative, with `/` between their parts.
 * Every method throws coded errors of this room (`errors.ts`).
 */
export interface Store {
  /** The folder's absolute path, or the prefix's URI. */
  readonly location: string;
  /** Proves that files can be written, before hours of work depend on it. Leaves nothing behind, and clears away what killed runs left. */
  check(): Promise<void>;
  /** Stores `content` whole or not at all: a reader sees the old file or the new one, a failure leaves no trace. */
  put(name: string, content: Content, signal?: AbortSignal): Promise<StoredFile>;
  /** The file's bytes. */
  get(name: string): Promise<Uint8Array>;
  /** Size of the file in bytes. */
  size(name: string): Promise<number>;
  /** At most `length` bytes of the file from `start`: fewer at its end. */
  read(name: string, start: number, length: number): Promise<Uint8Array>;
  /** Names that start with `prefix`, sorted. */
  list(prefix: string): Promise<readonly string[]>;
  /** Removes the file; one that is not there is no error. */
  remove(name: string): Promise<void>;
}
