import { setTimeout as sleep } from 'node:timers/promises';
import type { Cache } from './cache.ts';
import type { KubeClient } from './client.ts';
import { ApiError, type Failure, failureOf, failureOfAnswer, type StatusBody } from './failure.ts';
import { type KubeObject, pathOf, type ResourceType } from './resource.ts';

/**
 * Keeps a cache equal to the API server's objects of one kind: pages of a list, then a watch from the list's version on,
 * with bookmarks, so that a quiet kind does not fall behind; a version that has become too old leads to a new list, any
 * other failure to another watch from where the last one ended. A silent connection is given up.
 */
export interface Reflector {
  /** Resolves when the first list is in the cache. */
  readonly synced: Promise<void>;
  readonly hasSynced: () => boolean;
  /** Milliseconds since the API server was last heard of. */
  readonly silentForMs: () => number;
  stop(): Promise<void>;
}

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly resource: ResourceType;
  readonly namespace?: string | undefined;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly cache: Cache<T>;
  /** What the cache keeps of an object; undefined drops it. */
  readonly keep?: (object: T) => T | undefined;
  /** Told of every failure and of what comes next. */
  readonly report?: (failure: Failure) => void;
  readonly random?: () => number;
  readonly timing?: Partial<ReflectorTiming>;
}

export interface ReflectorTiming {
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /** Bookmarks come about once a minute, so longer silence is a dead connection. */
  readonly silenceMs: number;
  readonly watchSeconds: number;
}

const TIMING: ReflectorTiming = { firstDelayMs: 500, longestDelayMs: 30_000, silenceMs: 150_000, watchSeconds: 290 };
const PAGE = 500;

interface Page<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[];
}
interface WatchLine<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

/** Starts a reflector; it runs until stopped. */
export function startReflector<T extends KubeObject>(options: ReflectorOptions<T>): Reflector {
  const timing = { ...TIMING, ...options.timing };
  const random = options.random ?? Math.random;
  const stopping = new AbortController();
  const first = Promise.withResolvers<void>();
  let synced = false;
  let heardAt = performance.now();
  const heard = () => {
    heardAt = performance.now();
  };

  let failures = 0;
  const progress = () => {
    failures = 0;
    heard();
  };

  /** A list if there is nothing to watch from, then a watch until it ends. */
  const listAndWatch = async (from: { version: string | undefined }) => {
    if (from.version === undefined) {
      from.version = await list(options, stopping.signal);
      synced = true;
      first.resolve();
      heard();
    }
    const watch = watchFrom(options, from.version, { timing, random, stop: stopping.signal, heard: progress });
    for await (const seen of watch) from.version = seen;
  };
  const run = async () => {
    const from: { version: string | undefined } = { version: undefined };
    while (!stopping.signal.aborted) {
      await listAndWatch(from).catch((error: unknown) => {
        const failure = failureOf(error);
        if (failure.kind === 'expired') from.version = undefined;
        if (!stopping.signal.aborted) options.report?.(failure);
      });
      failures += 1;
      const longest = Math.min(timing.longestDelayMs, timing.firstDelayMs * 2 ** (failures - 1));
      await sleep(longest * random(), undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const running = run();
  return {
    synced: first.promise,
    hasSynced: () => synced,
    silentForMs: () => performance.now() - heardAt,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** Lists page by page into the cache; gives the version to watch from. */
async function list<T extends KubeObject>(options: ReflectorOptions<T>, signal: AbortSignal): Promise<string> {
  const objects: T[] = [];
  let next: string | undefined;
  for (;;) {
    const page: Page<T> = await options.client.call<Page<T>>({
      method: 'GET',
      path: pathOf(options.resource, { namespace: options.namespace }),
      query: { ...selectors(options), limit: PAGE, continue: next },
      signal,
    });
    for (const item of page.items) {
      const kept = keptPart(options, item);
      if (kept !== undefined) objects.push(kept);
    }
    next = page.metadata.continue;
    if (next === undefined || next === '') {
      options.cache.replace(objects, page.metadata.resourceVersion);
      return page.metadata.resourceVersion;
    }
  }
}

interface WatchContext {
  readonly timing: ReflectorTiming;
  readonly random: () => number;
  readonly stop: AbortSignal;
  readonly heard: () => void;
}

/** One watch: brings the cache up to date and yields each version seen. Ends when the server ends it. */
async function* watchFrom<T extends KubeObject>(
  options: ReflectorOptions<T>,
  version: string,
  { timing, random, stop, heard }: WatchContext,
): AsyncGenerator<string> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error(`silent for ${timing.silenceMs / 1000} s`)), timing.silenceMs);
  try {
    const lines = options.client.lines({
      method: 'GET',
      path: pathOf(options.resource, { namespace: options.namespace }),
      query: {
        ...selectors(options),
        watch: true,
        resourceVersion: version,
        allowWatchBookmarks: true,
        timeoutSeconds: Math.round(timing.watchSeconds * (1 + random())),
      },
      signal: AbortSignal.any([stop, silence.signal]),
    });
    for await (const line of lines) {
      const event = JSON.parse(line) as WatchLine<T>;
      if (event.type === 'ERROR') throw errorOf(event.object as StatusBody, options.resource.plural);
      timer.refresh();
      heard();
      take(options, event);
      yield event.object.metadata.resourceVersion ?? version;
    }
  } finally {
    clearTimeout(timer);
  }
}

function take<T extends KubeObject>(options: ReflectorOptions<T>, event: WatchLine<T>): void {
  if (event.type === 'BOOKMARK') {
    options.cache.seen(event.object.metadata.resourceVersion ?? '');
    return;
  }
  const object = keptPart(options, event.object);
  if (object === undefined) return;
  if (event.type === 'DELETED') options.cache.remove(object);
  else options.cache.upsert(object);
}

/** The object without what only the API server needs, or undefined if the cache is not to hold it. */
function keptPart<T extends KubeObject>(options: ReflectorOptions<T>, object: T): T | undefined {
  const { managedFields: _dropped, ...metadata } = object.metadata as T['metadata'] & { managedFields?: unknown };
  const bare = { ...object, metadata };
  return options.keep === undefined ? bare : options.keep(bare);
}

function selectors({
  labelSelector,
  fieldSelector,
}: {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}) {
  return { labelSelector, fieldSelector };
}

function errorOf(status: StatusBody, plural: string): ApiError {
  return new ApiError(failureOfAnswer(status.code ?? 500, status, undefined, `watch of ${plural}`));
}
