import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, 'files');

/** Manifests as people sent them, by the name of their file. */
export const ODD_TEXTS: readonly (readonly [string, Uint8Array])[] = readdirSync(FOLDER)
  .toSorted()
  .map((name) => [name, readFileSync(join(FOLDER, name))] as const);
