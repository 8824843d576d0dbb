import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { videoGeneration, withMetadata } from '../../test/build/video-generation.ts';
import { type ScriptedApiServer, startScriptedApiServer } from '../../test/double/api-server.ts';
import { type KubeClient, openPlainClient } from '../kube/client.ts';
import type { Reflector } from '../kube/reflector.ts';
import { createSources, type Sources } from './sources.ts';
import { startWatches } from './watches.ts';

let server: ScriptedApiServer;
let client: KubeClient;
let sources: Sources;
let woken: string[];
let told: string[];
let watches: ReadonlyMap<string, Reflector> = new Map();

beforeEach(async () => {
  server = await startScriptedApiServer();
  client = openPlainClient(server.origin);
  woken = [];
  told = [];
  sources = createSources({
    wake: (key) => woken.push(key),
    podGone: () => {},
    published: () => undefined,
    hearing: () => ({ silentMs: 0, listeningMs: 0 }),
  });
});
afterEach(async () => {
  await Promise.all([...watches.values()].map((watch) => watch.stop()));
  await client.close();
  await server.close();
});

const film = (namespace: string, resourceVersion: string) =>
  videoGeneration(withMetadata({ name: 'film', namespace, uid: `uid-${namespace}`, resourceVersion }));
const page = (items: readonly object[] = []) => ({ body: { metadata: { resourceVersion: '20' }, items } });

/** Scripts the lists of a place: these films, and nothing else. */
function answerIn(place: string, films: readonly object[]): void {
  server.on('GET', `/apis/dualparal.io/v1alpha1${place}/videogenerations`, page(films));
  server.on('GET', `/apis/batch/v1${place}/jobs`, page());
  for (const kind of ['pods', 'events']) server.on('GET', `/api/v1${place}/${kind}`, page());
}

async function start(namespaces: readonly string[]): Promise<void> {
  watches = startWatches(sources, {
    client,
    namespaces,
    warn: (kind, _failure, name) => told.push(`${kind}: ${name}`),
    restarted: () => {},
  });
  await Promise.all([...watches.values()].map((watch) => watch.synced));
}
/** Namespaces of the calls that arrived, each once; '*' for a call about all of them. */
const asked = () => [...new Set(server.calls.map(({ path }) => /namespaces\/([^/]+)/.exec(path)?.[1] ?? '*'))].sort();

describe('the watches', () => {
  it('look at all namespaces in one list and watch of each kind', async () => {
    answerIn('', [film('a', '1'), film('b', '2')]);
    await start([]);
    expect([asked(), [...watches.keys()]]).toEqual([
      ['*'],
      ['videogenerations', 'jobs', 'pods', 'events FailedMount', 'events FailedAttachVolume', 'events FailedCreate'],
    ]);
    expect(woken).toEqual(['a/film', 'b/film']);
  });

  it('look at the given namespaces, and ask for nothing outside them', async () => {
    answerIn('/namespaces/a', [film('a', '1')]);
    answerIn('/namespaces/b', [film('b', '2')]);
    await start(['a', 'b']);
    expect(asked()).toEqual(['a', 'b']);
    expect(watches.size).toBe(12);
    expect(sources.resources.list().map(({ metadata }) => metadata.namespace)).toEqual(['a', 'b']);
  });

  it('tell of a namespace that cannot be listed, and go on with the others', async () => {
    answerIn('/namespaces/a', [film('a', '1')]);
    answerIn('/namespaces/b', []);
    const path = '/apis/dualparal.io/v1alpha1/namespaces/b/videogenerations';
    server.on(
      'GET',
      path,
      { status: 403, body: { kind: 'Status', code: 403, reason: 'Forbidden', message: 'no' } },
      page(),
    );
    await start(['a', 'b']);
    expect([told, woken]).toEqual([['videogenerations: videogenerations in b'], ['a/film']]);
  });

  it('keep of an event why it was written and when it happened last', async () => {
    answerIn('', []);
    const kept = {
      metadata: { name: 'e', namespace: 'films', uid: 'e', resourceVersion: '5' },
      involvedObject: { kind: 'Job', name: 'lighthouse-3f2a9c1b-1', uid: 'job-1' },
      reason: 'FailedCreate',
      message: 'exceeded quota: gpus',
      lastTimestamp: '2026-01-01T00:25:00Z',
      eventTime: null,
      series: { lastObservedTime: '2026-01-01T00:25:00.123456Z' },
    };
    server.on('GET', '/api/v1/events', page([{ ...kept, source: { component: 'job-controller' }, count: 7 }]));
    await start([]);
    expect(sources.events.list()).toEqual([kept]);
  });
});
