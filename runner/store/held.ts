import type { Store } from './store.ts';

/**
 * A store in which a run changes nothing once another has taken it over: looked at before each change, so that one which was believed
 * dead (frozen, cut off) and wakes up in the middle of its work writes at most the one file that it was about to. `check` throws
 * then, as a lock's does.
 */
export function heldStore(store: Store, check: () => Promise<void>): Store {
  /** Whoever has taken over clears away what was being written: then that is why it failed. */
  async function held<T>(change: () => Promise<T>): Promise<T> {
    await check();
    try {
      return await change();
    } catch (error) {
      await check();
      throw error;
    }
  }
  return {
    ...store,
    put: (name, content, signal, seen) => held(() => store.put(name, content, signal, seen)),
    remove: (name) => held(() => store.remove(name)),
    removeUnfinished: (attempt, folder) => held(() => store.removeUnfinished(attempt, folder)),
  };
}
