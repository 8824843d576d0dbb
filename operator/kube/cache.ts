import { type KubeObject, keyOf } from './resource.ts';

/** Called after the cache has changed: with the object before (if there was one) and after (if there is one). */
export type ChangeListener<T> = (before: T | undefined, after: T | undefined) => void;

/** Values of an object under which an index finds it. */
export type IndexFunction<T> = (object: T) => string | undefined;

/** Where one reflector puts what it sees. What other feeds of the same cache brought is none of its business. */
export interface Feed<T extends KubeObject> {
  /** Everything that this feed is about, as of `version`: what is not in it and not newer is gone. */
  replace(objects: readonly T[], version: string): void;
  upsert(object: T): void;
  /** The object has come into being: this is its first version. Only a watch of everything that a place holds can tell. */
  created(object: T): void;
  remove(object: T): void;
  /** A bookmark: everything up to `version` has been seen. */
  seen(version: string): void;
}

/** Objects of one kind as reflectors last saw them, found by key and by index. Its own feed is for tests and for one reflector. */
export interface Cache<T extends KubeObject> extends Feed<T> {
  get(key: string): T | undefined;
  by(index: string, value: string): readonly T[];
  list(): readonly T[];
  /** Whether what is held of a key is the first version of the object: nobody has written it since it was made. */
  isNew(key: string): boolean;
  readonly size: number;
  /**
   * Another feed: several reflectors, each with a selector of its own, may fill one cache. One for a namespace speaks for
   * the objects in it alone.
   */
  feed(namespace?: string): Feed<T>;
  /** An object from the answer to a write of ours, ahead of the watch; dropped if the watch has passed it already. */
  learn(object: T): void;
  /** What is kept of an object: whoever holds many before they are here keeps no more of them. */
  trim(object: T): T;
}

/**
 * Makes an empty cache with named indexes, of what `trim` leaves of objects; `share` may put parts of the object before into the
 * one that takes its place. `listener` must not throw.
 */
export function createCache<T extends KubeObject>(
  indexes: Readonly<Record<string, IndexFunction<T>>>,
  listener: ChangeListener<T>,
  trim: (object: T) => T = withoutManagedFields,
  share: (before: T, after: T) => T = (_before, after) => after,
): Cache<T> {
  const objects = new Map<string, T>();
  const tables = new Map(Object.keys(indexes).map((name) => [name, new Map<string, Map<string, T>>()]));
  /** The feed that brought an object; none has brought what was learned. */
  const broughtBy = new Map<string, Feed<T>>();
  /** Keys of which the first version of an object is held. */
  const fresh = new Set<string>();
  /** Up to where each feed has seen everything. */
  const seenBy = new Map<Feed<T>, string>();
  const placeOf = new Map<Feed<T>, string | undefined>();
  const speaksFor = (feed: Feed<T>, { metadata }: T) => {
    const place = placeOf.get(feed);
    return place === undefined || place === metadata.namespace;
  };

  const unindex = (key: string, object: T) => {
    for (const [name, table] of tables) {
      const value = indexes[name]?.(object);
      const objects = value === undefined ? undefined : table.get(value);
      objects?.delete(key);
      if (value !== undefined && objects?.size === 0) table.delete(value);
    }
  };
  const index = (key: string, object: T) => {
    for (const [name, table] of tables) {
      const value = indexes[name]?.(object);
      if (value === undefined) continue;
      const objects = table.get(value) ?? new Map<string, T>();
      table.set(value, objects.set(key, object));
    }
  };
  const put = (whole: T, isFirst = false) => {
    const key = keyOf(whole);
    const before = objects.get(key);
    if (before !== undefined && compareVersions(versionOf(whole), versionOf(before)) <= 0) return;
    const object = before === undefined ? trim(whole) : share(before, trim(whole));
    if (before !== undefined) unindex(key, before);
    fresh.delete(key);
    if (isFirst) fresh.add(key);
    objects.set(key, object);
    index(key, object);
    listener(before, object);
  };
  const drop = (key: string) => {
    const before = objects.get(key);
    if (before === undefined) return;
    unindex(key, before);
    objects.delete(key);
    fresh.delete(key);
    broughtBy.delete(key);
    listener(before, undefined);
  };
  const feed = (namespace?: string): Feed<T> => {
    const seen = (version: string) => {
      if (compareVersions(version, seenBy.get(self) ?? '') > 0) seenBy.set(self, version);
    };
    const bring = (object: T, isFirst = false) => {
      put(object, isFirst);
      broughtBy.set(keyOf(object), self);
    };
    /** Drops what this feed may speak for, unless the cache knows something newer of that name. */
    const gone = (key: string, version: string | undefined) => {
      const held = objects.get(key);
      if (held === undefined || (broughtBy.get(key) ?? self) !== self || !speaksFor(self, held)) return;
      if (version === undefined || compareVersions(versionOf(held), version) <= 0) drop(key);
    };
    const self: Feed<T> = {
      replace(listed, version) {
        const keys = new Set(listed.map(keyOf));
        for (const key of [...objects.keys()]) if (!keys.has(key)) gone(key, version);
        for (const object of listed) {
          const held = objects.get(keyOf(object));
          if (held !== undefined && held.metadata.uid !== object.metadata.uid) gone(keyOf(object), versionOf(object));
          bring(object);
        }
        seen(version);
      },
      upsert(object) {
        bring(object);
        seen(versionOf(object));
      },
      created(object) {
        bring(object, true);
        seen(versionOf(object));
      },
      remove(object) {
        // The end of an object is final whatever version it was told with; a later one of its name has another uid.
        const same = objects.get(keyOf(object))?.metadata.uid === object.metadata.uid;
        gone(keyOf(object), same ? undefined : versionOf(object));
        seen(versionOf(object));
      },
      seen,
    };
    seenBy.set(self, '');
    placeOf.set(self, namespace);
    return self;
  };
  let ownFeed: Feed<T> | undefined;
  const own = () => {
    ownFeed ??= feed();
    return ownFeed;
  };

  return {
    get: (key) => objects.get(key),
    by: (name, value) => [...(tables.get(name)?.get(value)?.values() ?? [])],
    list: () => [...objects.values()],
    isNew: (key) => fresh.has(key),
    get size() {
      return objects.size;
    },
    feed,
    replace: (listed, version) => own().replace(listed, version),
    upsert: (object) => own().upsert(object),
    created: (object) => own().created(object),
    remove: (object) => own().remove(object),
    seen: (version) => own().seen(version),
    learn(object) {
      const concerned = [...seenBy].filter(([feed]) => speaksFor(feed, object));
      const passed = concerned.every(([, version]) => compareVersions(versionOf(object), version) <= 0);
      if (concerned.length === 0 || !passed) put(object);
    },
    trim,
  };
}

/** An object without what only the API server needs. */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  const { managedFields, ...metadata } = object.metadata as T['metadata'] & { managedFields?: unknown };
  return managedFields === undefined ? object : { ...object, metadata };
}

/** Order of two resource versions: decimal numbers of any length, an empty one before all others. */
export function compareVersions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a === b ? 0 : a < b ? -1 : 1;
}

function versionOf(object: KubeObject): string {
  return object.metadata.resourceVersion ?? '';
}
