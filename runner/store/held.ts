import type { Store } from './store.ts';

/**
 * A store in which a run changes nothing once another has taken it over: looked at before each change, so that one which was believed
 * dead (frozen, cut off) and wakes up in the middle of its work writes at most the one file that it was about to. `check` throws
 * then, as a lock's does.
 */
export function heldStore(store: Store, check: () => Promise<void>): Store {
  return {
    ...store,
    async put(name, content, signal) {
      await check();
      return store.put(name, content, signal);
    },
    async remove(name) {
      await check();
      return store.remove(name);
    },
    async removeUnfinished(attempt, folder) {
      await check();
      return store.removeUnfinished(attempt, folder);
    },
  };
}
