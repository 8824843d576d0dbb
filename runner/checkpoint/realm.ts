import { blocksFolder, RESUMABLE_BLOCKS } from '../output/stored-blocks.ts';
import { CHECKPOINT_FOLDER } from '../output/survey.ts';
import type { Store } from '../store/store.ts';
import { REALM_FILE } from './names.ts';

const REALM_BYTES = 4096;

const LEFT_FOLDERS = [CHECKPOINT_FOLDER, blocksFolder(RESUMABLE_BLOCKS)];

/**
 * A store in which whose a checkpoint is stands before the first file of what a run leaves to go on from, also where another has cleared all of it
 * away meanwhile: else nobody could clear what comes after. Outside a cluster there is no realm.
 */
export function markedStore(store: Store, realm: string | undefined): Store {
  if (realm === undefined) return store;
  const isLeft = (name: string) => name !== REALM_FILE && LEFT_FOLDERS.some((folder) => name.startsWith(folder));
  return {
    ...store,
    async put(name, ...rest) {
      if (isLeft(name) && (await store.look(REALM_FILE)) === 'nothing') await markRealm(store, realm);
      return store.put(name, ...rest);
    },
  };
}

/** Throws the store's coded errors. */
export async function markRealm(store: Store, realm: string): Promise<void> {
  await store.put(REALM_FILE, Buffer.from(`${JSON.stringify({ generator: 'dualparal', realm })}\n`));
}

/** The realm of a store's checkpoints; undefined where none is written down, or it cannot be read. */
export async function realmIn(store: Store): Promise<string | undefined> {
  try {
    if (typeof (await store.look(REALM_FILE)) === 'string') return undefined;
    const bytes = await store.read(REALM_FILE, 0, REALM_BYTES);
    const { generator, realm } = JSON.parse(new TextDecoder().decode(bytes)) as Readonly<Record<string, unknown>>;
    return generator === 'dualparal' && typeof realm === 'string' ? realm : undefined;
  } catch {
    return undefined;
  }
}
