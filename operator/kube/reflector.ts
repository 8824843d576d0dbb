import { setTimeout as sleep } from 'node:timers/promises';
import { pageIn } from './answer.ts';
import type { Cache, Feed } from './cache.ts';
import type { KubeClient } from './client.ts';
import { ApiError, type Failure, failureOf, failureOfAnswer, type StatusBody } from './failure.ts';
import { type KubeObject, pathOf, type ResourceType } from './resource.ts';

/**
 * Keeps a cache equal to the API server's objects of one kind: pages of a list, then a watch from the list's version on,
 * with bookmarks, so that a version does not become too old while nothing happens; one that did leads to a new list, any
 * other failure to another watch from where the last one ended, unless the server says that it is one of this watch, or nothing was heard for
 * too long: what cannot be watched is listed again. Waits grow until a watch holds: what comes between may end each as
 * soon as it is opened, and as cleanly as the server does. A silent connection is given up. Kinds without bookmarks
 * (`quiet`) are different: silence is normal there, so only a watch that outlives its own time is given up, and each watch
 * begins with a list, since the last version may be as old as the last watch.
 */
export interface Reflector {
  /** Resolves when the first list is in the cache. */
  readonly synced: Promise<void>;
  readonly hasSynced: () => boolean;
  /** Milliseconds since the API server was last heard of; 0 while a quiet kind is watched. */
  readonly silentForMs: () => number;
  stop(): Promise<void>;
}

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly resource: ResourceType;
  /** Undefined for all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly cache: Cache<T>;
  /** What is wanted of an object, before the cache trims it; undefined drops it. */
  readonly keep?: (object: T) => T | undefined;
  /** Told of every failure and of what comes next. */
  readonly warn?: (failure: Failure) => void;
  /** Told of every watch after the first. */
  readonly restarted?: () => void;
  readonly random?: () => number;
  /** Resolves after this time, or after the signal. */
  readonly wait?: (delayMs: number, signal: AbortSignal) => Promise<void>;
  readonly timing?: Partial<ReflectorTiming>;
}

export interface ReflectorTiming {
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /** Bookmarks come about once a minute, so longer silence is a dead connection. */
  readonly silenceMs: number;
  /** The server ends a watch after this time or up to twice of it. */
  readonly watchSeconds: number;
  /** A quiet watch that goes on for so long after its end is a dead connection. */
  readonly overdueMs: number;
  /** A watch that ends sooner, and without a word, has not held. */
  readonly briefMs: number;
}

const TIMING: ReflectorTiming = {
  firstDelayMs: 500,
  longestDelayMs: 30_000,
  silenceMs: 150_000,
  watchSeconds: 290,
  overdueMs: 30_000,
  briefMs: 1000,
};
const PAGE = 500;

interface WatchLine<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

/** Starts a reflector; it runs until stopped. */
export function startReflector<T extends KubeObject>(options: ReflectorOptions<T>): Reflector {
  const timing = { ...TIMING, ...options.timing };
  const { random = Math.random, wait = pause } = options;
  const quiet = options.resource.quiet === true;
  const feed = options.cache.feed(options.namespace);
  const stopping = new AbortController();
  const first = Promise.withResolvers<void>();
  let synced = false;
  let heardAt = performance.now();
  let watching = false;
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
      from.version = await list(options, feed, stopping.signal);
      synced = true;
      first.resolve();
      heard();
    }
    let openedAt = 0;
    const opened = () => {
      openedAt = performance.now();
      watching = true;
    };
    const lost = () => {
      from.version = undefined;
    };
    const context = { timing, random, stop: stopping.signal, heard: progress, opened, lost };
    for await (const seen of watchFrom(options, feed, from.version, context)) from.version = seen;
    // Ended by the server, as it shall be: the next one is a first try again.
    if (performance.now() - openedAt >= timing.briefMs) failures = 0;
  };
  const run = async () => {
    const from: { version: string | undefined } = { version: undefined };
    while (!stopping.signal.aborted) {
      let askedToWaitMs = 0;
      await listAndWatch(from).catch((error: unknown) => {
        const failure = failureOf(error);
        if (failure.kind === 'closed') stopping.abort();
        if (failure.kind === 'expired') from.version = undefined;
        askedToWaitMs = failure.retryAfterMs ?? 0;
        if (!stopping.signal.aborted) options.warn?.(failure);
      });
      // That a watch was opened says nothing, but where silence is normal it is all that there is.
      if (watching && quiet) heard();
      watching = false;
      if (quiet || performance.now() - heardAt >= timing.silenceMs) from.version = undefined;
      failures += 1;
      const longest = Math.min(timing.longestDelayMs, timing.firstDelayMs * 2 ** (failures - 1));
      const delay = Math.max(longest * random(), askedToWaitMs);
      await wait(delay, stopping.signal);
      if (!stopping.signal.aborted) options.restarted?.();
    }
  };
  const running = run();
  return {
    synced: first.promise,
    hasSynced: () => synced,
    silentForMs: () => (quiet && watching ? 0 : performance.now() - heardAt),
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return sleep(delayMs, undefined, { signal }).catch(() => {});
}

/** Lists page by page into the cache; gives the version to watch from. */
async function list<T extends KubeObject>(
  options: ReflectorOptions<T>,
  feed: Feed<T>,
  signal: AbortSignal,
): Promise<string> {
  const objects: T[] = [];
  let next: string | undefined;
  for (;;) {
    const path = pathOf(options.resource, { namespace: options.namespace });
    const query = { ...selectors(options), limit: PAGE, continue: next };
    const page = pageIn<T>(await options.client.call({ method: 'GET', path, query, signal }), path);
    for (const item of page.items) {
      const kept = keptPart(options, item);
      if (kept !== undefined) objects.push(kept);
    }
    next = page.metadata.continue;
    if (next === undefined || next === '') {
      feed.replace(objects, page.metadata.resourceVersion);
      return page.metadata.resourceVersion;
    }
  }
}

interface WatchContext {
  readonly timing: ReflectorTiming;
  readonly random: () => number;
  readonly stop: AbortSignal;
  readonly heard: () => void;
  readonly opened: () => void;
  /** Told of an end after which another watch from the same version would end the same way. */
  readonly lost: () => void;
}

/** One watch: brings the cache up to date and yields each version seen. Ends when the server ends it. */
async function* watchFrom<T extends KubeObject>(
  options: ReflectorOptions<T>,
  feed: Feed<T>,
  version: string,
  { timing, random, stop, heard, opened, lost }: WatchContext,
): AsyncGenerator<string> {
  const { resource } = options;
  const timeoutSeconds = Math.round(timing.watchSeconds * (1 + random()));
  const limitMs = resource.quiet === true ? timeoutSeconds * 1000 + timing.overdueMs : timing.silenceMs;
  const silence = new AbortController();
  const timer = setTimeout(() => {
    lost();
    silence.abort(new Error(`silent for ${limitMs / 1000} s`));
  }, limitMs);
  try {
    const call = {
      method: 'GET' as const,
      path: pathOf(resource, { namespace: options.namespace }),
      query: {
        ...selectors(options),
        watch: true,
        resourceVersion: version,
        allowWatchBookmarks: true,
        timeoutSeconds,
      },
      signal: AbortSignal.any([stop, silence.signal]),
    };
    for await (const line of options.client.lines(call, opened)) {
      const event = JSON.parse(line) as WatchLine<T>;
      if (event.type === 'ERROR') {
        lost();
        throw errorOf(event.object as StatusBody, resource.plural);
      }
      // A quiet watch has to end in time even if it is not silent.
      if (resource.quiet !== true) timer.refresh();
      heard();
      take(options, feed, event);
      yield event.object.metadata.resourceVersion ?? version;
    }
  } finally {
    clearTimeout(timer);
  }
}

function take<T extends KubeObject>(options: ReflectorOptions<T>, feed: Feed<T>, event: WatchLine<T>): void {
  if (event.type === 'BOOKMARK') {
    feed.seen(event.object.metadata.resourceVersion ?? '');
    return;
  }
  const object = keptPart(options, event.object);
  if (object === undefined) return;
  if (event.type === 'DELETED') feed.remove(object);
  else if (event.type === 'ADDED' && isOfAll(options)) feed.created(object);
  else feed.upsert(object);
}

/** To a watch with a selector, what begins to fit it is added as well. */
function isOfAll<T extends KubeObject>({ labelSelector, fieldSelector }: ReflectorOptions<T>): boolean {
  return labelSelector === undefined && fieldSelector === undefined;
}

/** What is kept of an object, or undefined if the cache is not to hold it. */
function keptPart<T extends KubeObject>({ cache, keep }: ReflectorOptions<T>, object: T): T | undefined {
  const kept = keep === undefined ? object : keep(object);
  return kept === undefined ? undefined : cache.trim(kept);
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
