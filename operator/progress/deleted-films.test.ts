import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Reply, type ScriptedApiServer, startScriptedApiServer } from '../../test/double/api-server.ts';
import { type KubeClient, openPlainClient } from '../kube/client.ts';
import { askDeletedFilms } from './deleted-films.ts';

const PATH = '/apis/dualparal.io/v1alpha1/namespaces/films/videogenerations';
const UID = '0123abcd-5555-4444-8888-000000000000';
const film = { name: 'lighthouse', uidPart: '0123abcd' };
const object = (uid: string, name = 'lighthouse') => ({
  metadata: { name, namespace: 'films', uid, resourceVersion: '7' },
});
const list = (...items: readonly object[]) => ({
  body: { kind: 'VideoGenerationList', metadata: { resourceVersion: '9' }, items },
});

let server: ScriptedApiServer;
let client: KubeClient;
beforeEach(async () => {
  server = await startScriptedApiServer();
  client = openPlainClient(server.origin);
});
afterEach(async () => {
  await client.close();
  await server.close();
});

const ask = (reply: Reply, cached?: string, signal = new AbortController().signal) => {
  server.on('GET', PATH, reply);
  const uidOf = (key: string) => (key === 'films/lighthouse' ? cached : undefined);
  return askDeletedFilms({ client, uidOf })('films', [film], signal);
};

describe('a film is deleted', () => {
  it.each<[string, Reply]>([
    ['where the API server lists none of its name', list()],
    ['where another film has its name now', list(object('ffffffff-0000'))],
  ])('%s', async (_what, reply) => {
    expect(await ask(reply)).toEqual({ deleted: [film], unknown: [] });
    expect(server.calls.map(({ query }) => query.fieldSelector)).toEqual(['metadata.name=lighthouse']);
  });

  it('also where a cache has another film of its name', async () => {
    expect(await ask(list(object('ffffffff-0000')), 'ffffffff-0000')).toEqual({ deleted: [film], unknown: [] });
  });
});

describe('a film is not taken for deleted', () => {
  it('that is there', async () => {
    expect(await ask(list(object(UID)))).toEqual({ deleted: [], unknown: [] });
  });

  it('that a cache has, and then nobody is asked', async () => {
    expect(await ask(list(), UID)).toEqual({ deleted: [], unknown: [] });
    expect(server.calls).toEqual([]);
  });
});

describe('whether a film is deleted is unknown', () => {
  it.each<[string, Reply]>([
    [
      'where the resource itself is not served',
      { status: 404, body: { kind: 'Status', code: 404, reason: 'NotFound' } },
    ],
    ['where the question is refused', { status: 403, body: { kind: 'Status', code: 403, reason: 'Forbidden' } }],
    [
      'where the answer is a list of something else',
      { body: { kind: 'PodList', metadata: { resourceVersion: '9' }, items: [] } },
    ],
    ['where the answer is a list of no version', { body: { kind: 'VideoGenerationList', metadata: {}, items: [] } }],
    ['where the answer is of another name', list(object('ffffffff-0000', 'other'))],
    ['where the answer is anything', { body: 'ok' }],
  ])('%s', async (_what, reply) => {
    expect(await ask(reply)).toEqual({ deleted: [], unknown: [film] });
  });

  it('where the time to answer is over', async () => {
    expect(await ask(list(), undefined, AbortSignal.abort())).toEqual({ deleted: [], unknown: [film] });
    expect(server.calls).toEqual([]);
  });
});
