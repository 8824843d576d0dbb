import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ScriptedApiServer, startScriptedApiServer } from '../../test/double/api-server.ts';
import { type Cache, createCache } from './cache.ts';
import { type KubeClient, openPlainClient } from './client.ts';
import type { Failure } from './failure.ts';
import { type Reflector, type ReflectorOptions, startReflector } from './reflector.ts';
import type { KubeObject } from './resource.ts';

const PATH = '/api/v1/things';
const RESOURCE = { group: '', version: 'v1', plural: 'things' };
const thing = (name: string, version: number) => ({
  metadata: { name, namespace: 'a', uid: name, resourceVersion: String(version), managedFields: [1] },
});
const page = (version: number, items: readonly object[], next?: string) => ({
  body: { metadata: { resourceVersion: String(version), ...(next === undefined ? {} : { continue: next }) }, items },
});

let server: ScriptedApiServer;
let client: KubeClient;
let cache: Cache<KubeObject>;
let failures: Failure[];
let reflector: Reflector | undefined;
let changed: () => void = () => {};

beforeEach(async () => {
  server = await startScriptedApiServer();
  client = openPlainClient(server.origin);
  failures = [];
  cache = createCache<KubeObject>({}, () => changed());
});
afterEach(async () => {
  await reflector?.stop();
  await client.close();
  await server.close();
});

const start = (options: Partial<ReflectorOptions<KubeObject>> = {}) => {
  const timing = { firstDelayMs: 1, longestDelayMs: 5, silenceMs: 60_000, watchSeconds: 290 };
  reflector = startReflector<KubeObject>({
    client,
    resource: RESOURCE,
    cache,
    warn: (failure) => failures.push(failure),
    random: () => 0.5,
    timing,
    ...options,
  });
  return reflector;
};
const names = () => cache.list().map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`);
/** Waits until the cache holds exactly these. */
const until = (wanted: readonly string[]) =>
  new Promise<void>((resolve) => {
    changed = () => queueMicrotask(() => JSON.stringify(names()) === JSON.stringify(wanted) && resolve());
    changed();
  });

describe('a reflector', () => {
  it('lists page by page, then watches from the version of the list with bookmarks', async () => {
    server.on('GET', PATH, page(10, [thing('a', 1)], 'more'), page(10, [thing('b', 2)]));
    await start({ labelSelector: 'ours' }).synced;
    const stream = await server.watch(PATH);
    expect(names()).toEqual(['a@1', 'b@2']);
    expect(server.calls.map((call) => call.query)).toEqual([
      { labelSelector: 'ours', limit: '500' },
      { labelSelector: 'ours', limit: '500', continue: 'more' },
      {
        labelSelector: 'ours',
        watch: 'true',
        resourceVersion: '10',
        allowWatchBookmarks: 'true',
        timeoutSeconds: '435',
      },
    ]);
    expect(stream.query.watch).toBe('true');
    expect(cache.get('a/a')?.metadata).not.toHaveProperty('managedFields');
  });

  it('follows events', async () => {
    server.on('GET', PATH, page(10, [thing('a', 1), thing('b', 2)]));
    start();
    const stream = await server.watch(PATH);
    await stream.send('ADDED', thing('c', 11));
    await stream.send('MODIFIED', thing('a', 12));
    await stream.send('DELETED', thing('b', 13));
    await until(['c@11', 'a@12'].toReversed());
    expect(failures).toEqual([]);
  });

  it('knows the first version of what is made while it watches, until it is written', async () => {
    server.on('GET', PATH, page(10, [thing('a', 1)]));
    start();
    const stream = await server.watch(PATH);
    await stream.send('ADDED', thing('b', 11));
    await until(['a@1', 'b@11']);
    expect(['a/a', 'a/b'].map(cache.isNew)).toEqual([false, true]);
    await stream.send('MODIFIED', thing('b', 12));
    await until(['a@1', 'b@12']);
    expect(cache.isNew('a/b')).toBe(false);
  });

  it('takes nothing for new that a watch with a selector tells: it may only have begun to fit', async () => {
    server.on('GET', PATH, page(10, []));
    start({ labelSelector: 'ours' });
    const stream = await server.watch(PATH);
    await stream.send('ADDED', thing('b', 11));
    await until(['b@11']);
    expect(cache.isNew('a/b')).toBe(false);
  });

  it('goes on from the last bookmark after the server ended the watch, without a new list', async () => {
    server.on('GET', PATH, page(10, [thing('a', 1)]));
    start();
    const first = await server.watch(PATH);
    await first.send('BOOKMARK', { metadata: { resourceVersion: '50' } });
    first.end();
    const second = await server.watch(PATH);
    expect(second.query.resourceVersion).toBe('50');
    expect(server.calls.filter((call) => call.query.watch === undefined).length).toBe(1);
  });

  it('goes on from the last event after the connection broke', async () => {
    server.on('GET', PATH, page(10, []));
    start();
    const first = await server.watch(PATH);
    await first.send('ADDED', thing('a', 11));
    await until(['a@11']);
    first.reset();
    const second = await server.watch(PATH);
    expect(second.query.resourceVersion).toBe('11');
    expect(failures.map((failure) => failure.kind)).toEqual(['retry']);
  });

  it('lists anew after 410, and what has gone meanwhile goes from the cache', async () => {
    server.on('GET', PATH, page(10, [thing('a', 1), thing('b', 2)]), page(30, [thing('b', 2), thing('c', 20)]));
    start();
    const stream = await server.watch(PATH);
    await stream.send('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' });
    await until(['b@2', 'c@20']);
    expect((await server.watch(PATH)).query.resourceVersion).toBe('30');
    expect(failures.map((failure) => failure.kind)).toEqual(['expired']);
  });

  it('lists anew after an error in a watch: another one from the same version would end the same way', async () => {
    server.on('GET', PATH, page(10, [thing('a', 1)]), page(30, [thing('b', 20)]));
    start();
    const stream = await server.watch(PATH);
    await stream.send('ERROR', { kind: 'Status', code: 500, reason: 'InternalError', message: 'no' });
    stream.end();
    await until(['b@20']);
    expect((await server.watch(PATH)).query.resourceVersion).toBe('30');
  });

  it('lists anew after a watch that was opened and never said a word', async () => {
    server.on('GET', PATH, page(10, [thing('a', 1)]), page(30, [thing('b', 20)]));
    start({ timing: { firstDelayMs: 1, longestDelayMs: 5, silenceMs: 30 } });
    await (await server.watch(PATH)).closed;
    await until(['b@20']);
    expect(failures[0]?.message).toContain('silent');
  });

  it('is not heard of by a watch that is only opened', async () => {
    server.on('GET', PATH, page(10, []));
    const running = start();
    await running.synced;
    const before = performance.now();
    for (let i = 0; i < 4; i += 1) (await server.watch(PATH)).end();
    await server.watch(PATH);
    const passed = performance.now() - before;
    expect(running.silentForMs()).toBeGreaterThanOrEqual(passed);
  });

  it.each([
    ['a list without a version', { kind: 'List', metadata: {}, items: [] }],
    ['another thing with a version', { kind: 'Status', metadata: { resourceVersion: '40' }, items: [] }],
  ])('does not take 200 with %s for a list: the cache stays', async (_what, body) => {
    server.on('GET', PATH, page(10, [thing('a', 1)]), { body }, page(30, [thing('a', 1), thing('b', 20)]));
    start();
    const told: string[][] = [];
    const stream = await server.watch(PATH);
    changed = () => told.push([...names()]);
    await stream.send('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' });
    await server.watch(PATH);
    expect(told).toEqual([['a@1', 'b@20']]);
  });

  it('lists anew when a page has expired', async () => {
    const gone = { status: 410, body: { code: 410, message: 'continue token expired' } };
    server.on('GET', PATH, page(10, [thing('a', 1)], 'more'), gone, page(12, [thing('a', 1)]));
    await start().synced;
    expect(names()).toEqual(['a@1']);
  });

  it('keeps trying while the server is away', async () => {
    const away = { status: 500, headers: { 'retry-after': '0.001' }, body: {} };
    server.on('GET', PATH, away, away, away, away, 'reset', page(10, [thing('a', 1)]));
    await start().synced;
    expect(names()).toEqual(['a@1']);
  });

  it.each<[string, object, boolean, readonly number[]]>([
    ['grow where each ends at once without a word', {}, false, [0.5, 1, 2, 2.5]],
    ['stay short where each tells something', {}, true, [0.5, 0.5, 0.5, 0.5]],
    ['stay short where each lasts', { briefMs: 0 }, false, [0.5, 0.5, 0.5, 0.5]],
  ])('waits between watches that the server ends: they %s', async (_what, timing, speaks, delays) => {
    server.on('GET', PATH, page(10, []));
    const waits: number[] = [];
    const wait = async (delayMs: number) => void waits.push(delayMs);
    start({ timing: { firstDelayMs: 1, longestDelayMs: 5, briefMs: 60_000, ...timing }, wait });
    for (const _delay of delays) {
      const stream = await server.watch(PATH);
      if (speaks) await stream.send('BOOKMARK', { metadata: { resourceVersion: '50' } });
      stream.end();
    }
    await server.watch(PATH);
    expect(waits).toEqual(delays);
    expect(failures).toEqual([]);
  });

  it('gives up a silent connection', async () => {
    server.on('GET', PATH, page(10, []));
    start({ timing: { firstDelayMs: 1, longestDelayMs: 5, silenceMs: 30 } });
    const silent = await server.watch(PATH);
    await silent.closed;
    await server.watch(PATH);
    expect(failures[0]).toEqual({ kind: 'retry', status: 0, message: 'GET /api/v1/things: silent for 0.03 s' });
  });

  it('keeps of objects only what it is told to keep', async () => {
    server.on('GET', PATH, page(10, [thing('a', 1), thing('b', 2)]));
    const keep = (object: KubeObject) => (object.metadata.name === 'a' ? object : undefined);
    await start({ keep }).synced;
    const stream = await server.watch(PATH);
    await stream.send('ADDED', thing('c', 11));
    await stream.send('MODIFIED', thing('a', 12));
    await until(['a@12']);
  });

  it('stops while a watch is open', async () => {
    server.on('GET', PATH, page(10, []));
    const running = start();
    const stream = await server.watch(PATH);
    await running.stop();
    await stream.closed;
    expect(failures).toEqual([]);
  });

  it('of a kind without bookmarks takes silence for what it is, and lists again after the watch has ended', async () => {
    server.on('GET', PATH, page(10, [thing('a', 1)]), page(40, [thing('b', 30)]));
    const timing = { firstDelayMs: 1, longestDelayMs: 5, silenceMs: 1, watchSeconds: 290 };
    const running = start({ resource: { ...RESOURCE, quiet: true }, timing });
    const stream = await server.watch(PATH);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([failures, running.silentForMs()]).toEqual([[], 0]);
    stream.end();
    await until(['b@30']);
    expect((await server.watch(PATH)).query.resourceVersion).toBe('40');
    expect(failures).toEqual([]);
  });
});
