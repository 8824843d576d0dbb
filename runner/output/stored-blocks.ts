import { createHash } from 'node:crypto';
import type { Store } from '../store/store.ts';
import { outputError } from './errors.ts';
import type { Blocks } from './mp4.ts';

/** Encoded blocks in the store, below a name that no other run has. */
export interface StoredBlocks {
  /** Folder of the blocks inside the store, with a `/` at its end. */
  readonly folder: string;
  add(init: Uint8Array, media: Uint8Array, signal: AbortSignal | undefined): Promise<void>;
  /** The blocks for joining; each is compared with what was stored whenever it is read. */
  read(): Blocks;
  clear(): Promise<void>;
}

const INIT_FILE = 'init.mp4';
const BLOCK_NAME = /^(init\.mp4|\d{5,}\.m4s)$/;
const blockName = (index: number) => `${String(index).padStart(5, '0')}.m4s`;

export const blocksFolder = (attempt: string) => `blocks/${attempt}/`;

/** The blocks of this run: none yet. */
export function storeBlocks(store: Store): StoredBlocks {
  const folder = blocksFolder(store.attempt);
  const digests: string[] = [];
  let first: Uint8Array | undefined;

  return {
    folder,
    async add(init, media, signal) {
      if (first === undefined) await store.put(`${folder}${INIT_FILE}`, init, signal);
      first = init;
      const { sha256 } = await store.put(`${folder}${blockName(digests.length)}`, media, signal);
      // The store's digest is of the bytes that it wrote; a block that another program changes later no longer has it.
      digests.push(sha256);
    },
    read: () => ({
      init: first ?? new Uint8Array(),
      count: digests.length,
      async media(index) {
        const name = `${folder}${blockName(index)}`;
        const bytes = await store.get(name).catch((error: unknown) => {
          throw changed(store, index, name, 'cannot be read any more', error);
        });
        if (createHash('sha256').update(bytes).digest('hex') === digests[index]) return bytes;
        throw changed(store, index, name, 'is not as it was stored');
      },
    }),
    clear: () => clearBlocks(store, store.attempt),
  };
}

/** Removes what the run of that name has stored, by the names that blocks have; whatever else is there stays. */
export async function clearBlocks(store: Store, attempt: string): Promise<void> {
  const folder = blocksFolder(attempt);
  for (const name of await store.list(folder)) {
    if (BLOCK_NAME.test(name.slice(folder.length))) await store.remove(name);
  }
  await store.removeUnfinished(attempt, folder);
}

function changed(store: Store, block: number, name: string, what: string, cause?: unknown) {
  return outputError('E_OUTPUT_BLOCK', { block, path: `${store.location}/${name}`, what }, cause);
}
