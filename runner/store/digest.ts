import { createHash } from 'node:crypto';
import type { Store } from './store.ts';

const PIECE_BYTES = 1 << 22;

/** SHA-256 of a stored file in hexadecimal digits, read piece by piece. Throws as reading does. */
export async function digestOf(store: Store, name: string): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; ; ) {
    const piece = await store.read(name, at, PIECE_BYTES);
    if (piece.byteLength === 0) return hash.digest('hex');
    hash.update(piece);
    at += piece.byteLength;
  }
}
