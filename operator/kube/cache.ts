import { type KubeObject, keyOf } from './resource.ts';

/** Called after the cache has changed: with the object before (if there was one) and after (if there is one). */
export type ChangeListener<T> = (before: T | undefined, after: T | undefined) => void;

/** Values of an object under which an index finds it. */
export type IndexFunction<T> = (object: T) => string | undefined;

/** Objects of one kind as a reflector last saw them, found by key and by index. */
export interface Cache<T extends KubeObject> {
  get(key: string): T | undefined;
  by(index: string, value: string): readonly T[];
  list(): readonly T[];
  readonly size: number;
  /** Everything that exists, as of `version`: what is not in it and not newer is gone. */
  replace(objects: readonly T[], version: string): void;
  upsert(object: T): void;
  remove(object: T): void;
  /** A bookmark: everything up to `version` has been seen. */
  seen(version: string): void;
  /** An object from the answer to a write of ours, ahead of the watch; dropped if the watch has passed it already. */
  learn(object: T): void;
}

/** Makes an empty cache with named indexes; `listener` must not throw. */
export function createCache<T extends KubeObject>(
  indexes: Readonly<Record<string, IndexFunction<T>>>,
  listener: ChangeListener<T>,
): Cache<T> {
  const objects = new Map<string, T>();
  const tables = new Map(Object.keys(indexes).map((name) => [name, new Map<string, Map<string, T>>()]));
  let seenVersion = '';

  const unindex = (key: string, object: T) => {
    for (const [name, table] of tables) {
      const value = indexes[name]?.(object);
      const entries = value === undefined ? undefined : table.get(value);
      entries?.delete(key);
      if (value !== undefined && entries?.size === 0) table.delete(value);
    }
  };
  const index = (key: string, object: T) => {
    for (const [name, table] of tables) {
      const value = indexes[name]?.(object);
      if (value === undefined) continue;
      const entries = table.get(value) ?? new Map<string, T>();
      table.set(value, entries.set(key, object));
    }
  };
  const put = (object: T) => {
    const key = keyOf(object);
    const before = objects.get(key);
    if (before !== undefined && compareVersions(versionOf(object), versionOf(before)) <= 0) return;
    if (before !== undefined) unindex(key, before);
    objects.set(key, object);
    index(key, object);
    listener(before, object);
  };
  const drop = (key: string) => {
    const before = objects.get(key);
    if (before === undefined) return;
    unindex(key, before);
    objects.delete(key);
    listener(before, undefined);
  };
  const seen = (version: string) => {
    if (compareVersions(version, seenVersion) > 0) seenVersion = version;
  };

  return {
    get: (key) => objects.get(key),
    by: (name, value) => [...(tables.get(name)?.get(value)?.values() ?? [])],
    list: () => [...objects.values()],
    get size() {
      return objects.size;
    },
    replace(fresh, version) {
      const keys = new Set(fresh.map(keyOf));
      for (const [key, held] of [...objects]) {
        if (!keys.has(key) && compareVersions(versionOf(held), version) <= 0) drop(key);
      }
      for (const object of fresh) {
        const held = objects.get(keyOf(object));
        if (held !== undefined && held.metadata.uid !== object.metadata.uid) drop(keyOf(object));
        put(object);
      }
      seen(version);
    },
    upsert(object) {
      put(object);
      seen(versionOf(object));
    },
    remove(object) {
      drop(keyOf(object));
      seen(versionOf(object));
    },
    seen,
    learn(object) {
      if (compareVersions(versionOf(object), seenVersion) > 0) put(object);
    },
  };
}

/** Order of two resource versions: decimal numbers of any length, an empty one before all others. */
export function compareVersions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a === b ? 0 : a < b ? -1 : 1;
}

function versionOf(object: KubeObject): string {
  return object.metadata.resourceVersion ?? '';
}
