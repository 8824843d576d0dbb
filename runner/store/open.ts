import { fileURLToPath } from 'node:url';
import { storeError } from './errors.ts';
import { folderStore } from './folder.ts';
import type { Store } from './store.ts';

const SCHEME = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\//;

/** The store of a path or URI: a folder's path, or `file://…`. Anything else is refused by name (`E_STORE_SCHEME`). */
export function openStore(uri: string): Store {
  const scheme = SCHEME.exec(uri)?.[1]?.toLowerCase();
  if (scheme === undefined) return folderStore(uri);
  if (scheme === 'file') return folderStore(fileURLToPath(uri));
  throw storeError('E_STORE_SCHEME', { uri, scheme });
}
