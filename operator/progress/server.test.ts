import { once } from 'node:events';
import { request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { progressRecord } from '../../test/build/observed.ts';
import type { Verdict } from './authenticate.ts';
import { createAuthority, createServerCertificate, nameOfAuthority } from './certificate.ts';
import { createInbox, type Inbox } from './inbox.ts';
import { type Answer, createProgressServer } from './server.ts';

const authority = createAuthority(nameOfAuthority, new Date());
const VERDICTS: Readonly<Record<string, Verdict>> = { strange: 'stranger', often: 'limited', crowded: 'busy' };
let server: Server;
let inbox: Inbox;
let answers: Answer[];
let leading: boolean;
/** Questions wait for this. */
let answerable: Promise<void>;

beforeEach(async () => {
  inbox = createInbox({ wake: () => {} });
  answers = [];
  leading = true;
  answerable = Promise.resolve();
  server = createProgressServer(createServerCertificate(authority, '127.0.0.1', new Date()), {
    inbox,
    authenticate: (token) => {
      if (token === 'broken') return Promise.reject(new Error('the API server is away'));
      if (token.startsWith('of-')) return Promise.resolve({ podUid: token.slice(3) });
      return Promise.resolve(VERDICTS[token] ?? 'refused');
    },
    isCurrent: (podUid) => podUid === 'pod-1',
    isLeading: () => leading,
    namespaceOf: (podUid) => (podUid === 'pod-1' ? 'films' : undefined),
    deletedFilms: async (namespace, films) => {
      await answerable;
      const deleted = films.filter(({ name }) => `${namespace}/${name}` === 'films/gone');
      return { deleted, unknown: [] };
    },
    measure: (answer) => answers.push(answer),
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly token?: string;
  readonly body?: string;
}

async function send({ method = 'POST', path = '/v1/progress', token = 'of-pod-1', body }: Sent): Promise<number> {
  const { port } = server.address() as AddressInfo;
  const headers = token === '' ? {} : { authorization: `Bearer ${token}` };
  const call = request({ host: '127.0.0.1', port, method, path, ca: authority.cert, headers });
  // A body that is refused half-way ends with a broken pipe, after the answer.
  call.on('error', () => {});
  call.end(method === 'POST' ? (body ?? JSON.stringify(progressRecord())) : undefined);
  const [response] = await once(call, 'response');
  response.resume();
  return response.statusCode;
}

const ASKED = '/v1/deleted-films';
const films = (...names: readonly string[]) => ({ films: names.map((name) => ({ name, uidPart: '0123abcd' })) });

describe('the question which films are deleted', () => {
  it('is answered for the namespace of the pod that asks', async () => {
    const { port } = server.address() as AddressInfo;
    const headers = { authorization: 'Bearer of-pod-1' };
    const call = request({ host: '127.0.0.1', port, method: 'POST', path: ASKED, ca: authority.cert, headers });
    call.end(JSON.stringify(films('gone', 'there')));
    const [response] = await once(call, 'response');
    let text = '';
    for await (const part of response) text += part;
    expect([response.statusCode, JSON.parse(text)]).toEqual([200, { deleted: films('gone').films, unknown: [] }]);
    expect(answers).toEqual(['told']);
  });

  it.each([
    ['of nobody', { token: '' }, 401],
    ['of a pod that is not at work', { token: 'of-pod-2' }, 403],
    ['about no film', { body: JSON.stringify(films()) }, 400],
    ['about more films than may be asked for', { body: JSON.stringify(films(...Array(51).fill('a'))) }, 400],
    ['with a part of a uid that is none', { body: '{"films":[{"name":"a","uidPart":"../x"}]}' }, 400],
    ['that is no JSON', { body: 'gone?' }, 400],
  ])('%s is refused', async (_what, sent, status) => {
    expect(await send({ path: ASKED, body: JSON.stringify(films('gone')), ...sent })).toBe(status);
  });

  it('is answered only so often, and leaves reports alone', async () => {
    const statuses = [];
    for (let i = 0; i < 25; i += 1) statuses.push(await send({ path: ASKED, body: JSON.stringify(films('gone')) }));
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect(await send({})).toBe(204);
  });

  it('keeps no report waiting while it waits for its answer, and is one at a time', async () => {
    const gate = Promise.withResolvers<void>();
    answerable = gate.promise;
    const asking = send({ path: ASKED, body: JSON.stringify(films('gone')) });
    await vi.waitUntil(async () => (await send({ path: ASKED, body: JSON.stringify(films('gone')) })) === 503);
    for (let i = 0; i < 5; i += 1) expect(await send({})).toBe(204);
    gate.resolve();
    expect(await asking).toBe(200);
  });

  it('is answered by the leader alone', async () => {
    leading = false;
    expect(await send({ path: ASKED, body: JSON.stringify(films('gone')) })).toBe(503);
  });
});

describe('the progress endpoint', () => {
  it('takes the record of the pod at work', async () => {
    expect(await send({})).toBe(204);
    expect(inbox.published('pod-1')).toEqual(progressRecord());
    expect(answers).toEqual(['taken']);
  });

  it.each<[string, Sent, number]>([
    ['no token', { token: '' }, 401],
    ['a bad token', { token: 'bad' }, 401],
    ['the token of another pod', { token: 'of-pod-2' }, 403],
    ['the token of a pod that nobody knows', { token: 'strange' }, 403],
    ['who asks too often', { token: 'often' }, 429],
    ['who comes while too many ask', { token: 'crowded' }, 503],
    ['a record that is none', { body: '{"phase":"Done"}' }, 400],
    ['what is not JSON', { body: '<xml/>' }, 400],
    ['a record of a later version', { body: JSON.stringify({ ...progressRecord(), contractVersion: 2 }) }, 400],
    ['megabytes', { body: 'x'.repeat(300_000) }, 413],
    ['a look', { method: 'GET' }, 405],
    ['another path', { path: '/' }, 404],
    ['a token that nobody can review now', { token: 'broken' }, 503],
  ])('refuses %s, and keeps nothing of it', async (_what, sent, status) => {
    expect(await send(sent)).toBe(status);
    expect(inbox.size).toBe(0);
  });

  it('sends runners to the leader', async () => {
    leading = false;
    expect(await send({})).toBe(503);
    expect(inbox.size).toBe(0);
  });

  it('takes a repeated record without keeping it', async () => {
    expect([await send({}), await send({})]).toEqual([204, 204]);
    expect(inbox.published('pod-1')?.sequence).toBe(7);
  });
});
