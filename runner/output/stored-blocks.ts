import { createHash } from 'node:crypto';
import type { Store } from '../store/store.ts';
import { outputError } from './errors.ts';
import type { Blocks } from './mp4.ts';

/** An encoded block as it was stored. */
export interface BlockEntry {
  readonly frames: number;
  /** Fragments of mp4 in it. */
  readonly fragments: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** Encoded blocks in their order, and the init segment that they share: null before the first one. */
export interface BlockEntries {
  /** What has encoded them. */
  readonly encoder: string;
  readonly init: Pick<BlockEntry, 'bytes' | 'sha256'> | null;
  readonly blocks: readonly BlockEntry[];
}

/** Encoded blocks in the store, below a name that no other run has. */
export interface StoredBlocks {
  /** Folder of the blocks inside the store, with a `/` at its end. */
  readonly folder: string;
  /** `init` counts with the first block. */
  add(
    init: Uint8Array,
    media: Uint8Array,
    counts: Pick<BlockEntry, 'frames' | 'fragments'>,
    signal: AbortSignal | undefined,
  ): Promise<void>;
  /** Takes over the leading blocks that lie here as an earlier run has stored them; gives those and the init segment. */
  adopt(
    entries: BlockEntries,
  ): Promise<{ readonly init: Uint8Array | undefined; readonly blocks: readonly BlockEntry[] }>;
  /** What is stored. */
  entries(): Omit<BlockEntries, 'encoder'>;
  /** The blocks for joining; each is compared with what was stored whenever it is read. */
  read(): Blocks;
  clear(): Promise<void>;
}

const INIT_FILE = 'init.mp4';
const BLOCK_NAME = /^(init\.mp4|\d{5,}\.m4s)$/;
const blockName = (index: number) => `${String(index).padStart(5, '0')}.m4s`;

/** Name of the blocks that a later run of the film may go on with, whichever run that is. */
export const RESUMABLE_BLOCKS = 'checkpoint';

export const blocksFolder = (attempt: string) => `blocks/${attempt}/`;

/** The blocks of this run, none yet, below a name of its own unless `owner` says another. */
export function storeBlocks(store: Store, owner: string = store.attempt): StoredBlocks {
  const folder = blocksFolder(owner);
  const stored: BlockEntry[] = [];
  let first: { readonly bytes: Uint8Array; readonly entry: BlockEntries['init'] } | undefined;

  /** The bytes of a file that is as it was stored. */
  async function unchanged(name: string, { bytes, sha256 }: Pick<BlockEntry, 'bytes' | 'sha256'>) {
    const found = await store.look(name);
    if (typeof found === 'string' || found.bytes !== bytes) return undefined;
    const content = await store.get(name);
    return sha256Of(content) === sha256 ? content : undefined;
  }

  return {
    folder,
    async add(init, media, counts, signal) {
      if (first === undefined) {
        const { bytes, sha256 } = await store.put(`${folder}${INIT_FILE}`, init, signal);
        first = { bytes: init, entry: { bytes, sha256 } };
      }
      const { bytes, sha256 } = await store.put(`${folder}${blockName(stored.length)}`, media, signal);
      // The store's digest is of the bytes that it wrote; a block that another program changes later no longer has it.
      stored.push({ ...counts, bytes, sha256 });
    },
    async adopt({ init: entry, blocks }) {
      stored.length = 0;
      first = undefined;
      const init = entry === null ? undefined : await unchanged(`${folder}${INIT_FILE}`, entry);
      if (init === undefined) return { init, blocks: [] };
      for (const [index, block] of blocks.entries()) {
        if ((await unchanged(`${folder}${blockName(index)}`, block)) === undefined) break;
        stored.push(block);
      }
      if (stored.length > 0) first = { bytes: init, entry };
      return { init: first?.bytes, blocks: [...stored] };
    },
    entries: () => ({ init: first?.entry ?? null, blocks: [...stored] }),
    read: () => ({
      init: first?.bytes ?? new Uint8Array(),
      count: stored.length,
      async media(index) {
        const name = `${folder}${blockName(index)}`;
        const bytes = await store.get(name).catch((error: unknown) => {
          throw changed(store, index, name, 'cannot be read any more', error);
        });
        if (sha256Of(bytes) === stored[index]?.sha256) return bytes;
        throw changed(store, index, name, 'is not as it was stored');
      },
    }),
    clear: () => clearBlocks(store, owner),
  };
}

/** Copies the leading blocks that a later run may go on with from one store to another; whoever adopts them looks at each. */
export async function copyBlocks(from: Store, to: Store, count: number): Promise<void> {
  const folder = blocksFolder(RESUMABLE_BLOCKS);
  const present = new Set(await from.list(folder));
  const wanted = [INIT_FILE, ...Array.from({ length: count }, (_, index) => blockName(index))];
  for (const name of wanted.map((file) => `${folder}${file}`)) {
    if (present.has(name)) await to.put(name, await from.get(name));
  }
}

/** Removes what the run of that name has stored, by the names that blocks have; whatever else is there stays. */
export async function clearBlocks(store: Store, attempt: string): Promise<void> {
  const folder = blocksFolder(attempt);
  for (const name of await store.list(folder)) {
    if (BLOCK_NAME.test(name.slice(folder.length))) await store.remove(name);
  }
  await store.removeUnfinished(attempt, folder);
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function changed(store: Store, block: number, name: string, what: string, cause?: unknown) {
  return outputError('E_OUTPUT_BLOCK', { block, path: `${store.location}/${name}`, what }, cause);
}
