import type { Store } from '../store/store.ts';
import { REALM_FILE } from './names.ts';

const REALM_BYTES = 4096;

/** Writes it down before there is a checkpoint. Throws the store's coded errors. */
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
