/**
 * Odd manifests, each of which the commands and the API server must both refuse, or both read as the same film. What the API
 * server says of them is in `expected.jsonl` (written by `test/end-to-end/manifests.test.ts`).
 */
import { film } from './film.ts';
import { ODD_DOCUMENTS } from './odd-documents.ts';
import { ODD_PARALLELISM } from './odd-parallelism.ts';
import { ODD_PODS } from './odd-pods.ts';
import { ODD_QUANTITIES } from './odd-quantities.ts';
import { ODD_TEXTS } from './odd-texts.ts';
import { ODD_VALUES } from './odd-values.ts';

export interface OddManifest {
  readonly what: string;
  readonly bytes: Uint8Array;
}

const CASES = [...ODD_VALUES, ...ODD_QUANTITIES, ...ODD_PARALLELISM, ...ODD_PODS, ...ODD_DOCUMENTS, ...ODD_TEXTS];

export const CORPUS: readonly OddManifest[] = CASES.map(([what, text]) => ({
  what: what.length > 90 ? `${what.slice(0, 80)}… (${what.length} characters)` : what,
  bytes: typeof text === 'string' ? new TextEncoder().encode(text) : text,
}));

/** What kubectl reads and the commands refuse, for it is more likely a slip than meant; more of it in `runner/manifest/kubectl.test.ts`. */
export const STRICTER: readonly OddManifest[] = [
  { what: 'bytes that are no UTF-8 in a comment', bytes: Buffer.from(`# caf\u00e9\n${film()}`, 'latin1') },
];

/** What only a cluster needs: refused there, read here. */
export const LOCAL: readonly OddManifest[] = [
  { what: 'no claim for the film', bytes: new TextEncoder().encode(film({ output: '{}' })) },
  { what: 'no output at all', bytes: new TextEncoder().encode(film({ output: null })) },
  { what: 'no source of the model', bytes: new TextEncoder().encode(film({ model: '{ ref: tiny }' })) },
];
