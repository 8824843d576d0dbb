import { createHash, type Hash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { ComponentWeights } from './shards.ts';

const PIECES = 16;
const PIECE_BYTES = 4096;

/**
 * Tells the weights of one model from those of another without reading them: SHA-256 over where every tensor lies, and over each file's
 * size and a few pieces of it. Training changes all numbers, so that any piece shows it; damage of a single byte may not.
 */
export function sampledDigest(components: readonly (ComponentWeights | null)[]): string {
  const hash = createHash('sha256');
  for (const component of components) {
    if (component === null) {
      hash.update('none\n');
      continue;
    }
    const tensors = [...component.tensors].sort(([a], [b]) => (a < b ? -1 : 1));
    hash.update(`${JSON.stringify(tensors)}\n`);
    const files = new Set(tensors.map(([, { file }]) => file));
    for (const file of [...files].sort()) addPieces(hash, join(component.folder, file));
  }
  return hash.digest('hex');
}

function addPieces(hash: Hash, path: string): void {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const piece = new Uint8Array(PIECE_BYTES);
    hash.update(`${size}\n`);
    for (let index = 0; index < PIECES; index++) {
      const at = Math.floor((Math.max(0, size - PIECE_BYTES) * index) / (PIECES - 1));
      hash.update(piece.subarray(0, readSync(file, piece, 0, PIECE_BYTES, at)));
    }
  } finally {
    closeSync(file);
  }
}
