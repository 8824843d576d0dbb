import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { selfSigned } from '../../test/build/self-signed.ts';
import { askDeletedFilms, realmOf } from './deleted-films.ts';

const film = (name: string) => ({ name, uidPart: '0123abcd' });
const signal = new AbortController().signal;

let folder: string;
let server: Server;
let place: AddressInfo;
let answers: (readonly [status: number, body?: unknown])[];
let received: { readonly path: string | undefined; readonly token: string | undefined; readonly names: string[] }[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dualparal-asking-'));
  writeFileSync(join(folder, 'token'), 'a-token\n');
  [answers, received] = [[], []];
  server = createServer(selfSigned(folder), async (request, response) => {
    let text = '';
    for await (const part of request) text += part;
    const { films } = JSON.parse(text) as { readonly films: readonly { readonly name: string }[] };
    const names = films.map(({ name }) => name);
    received.push({ path: request.url, token: request.headers.authorization, names });
    const [status, body = ''] = answers.shift() ?? [200, { deleted: films }];
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  place = server.address() as AddressInfo;
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true });
});

function ask(...names: readonly string[]) {
  const { port } = place;
  const files = { tokenFile: join(folder, 'token'), caFile: join(folder, 'ca.crt') };
  const target = { url: `https://127.0.0.1:${port}/v1/progress`, ...files };
  return askDeletedFilms(target, names.map(film), { signal, retryMilliseconds: 1 });
}

describe('the operator is asked which films are deleted', () => {
  it('beside its path for reports, with the token of the pod', async () => {
    expect(await ask('a')).toEqual([film('a')]);
    expect(received).toEqual([{ path: '/v1/deleted-films', token: 'Bearer a-token', names: ['a'] }]);
  });

  it('in questions of fifty', async () => {
    const names = Array.from({ length: 101 }, (_, i) => `film-${i}`);
    expect((await ask(...names)).length).toBe(101);
    expect(received.map((each) => each.names.length)).toEqual([50, 50, 1]);
  });

  it('again, where it does not know the pod yet', async () => {
    answers = [[403], [503], [429]];
    expect(await ask('a')).toEqual([film('a')]);
    expect(received.length).toBe(4);
  });

  it('again, where it is away for a moment', async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
    const { port } = place;
    const asking = ask('a');
    server.listen(port, '127.0.0.1');
    expect(await asking).toEqual([film('a')]);
  });

  it('and one of before it knew the question tells of none', async () => {
    answers = [[404]];
    expect(await ask('a')).toEqual([]);
  });

  it.each<[string, readonly (readonly [number, unknown?])[]]>([
    ['refuses each time', Array(5).fill([403])],
    ['answers what is no answer', [[200, 'yes']]],
    ['answers with another record', [[200, { deleted: 'all' }]]],
  ])('and nothing is known where it %s', async (_what, given) => {
    answers = [...given];
    await expect(ask('a')).rejects.toThrow();
  });
});

describe('the realm of a pod', () => {
  const token = (claims: unknown) => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    writeFileSync(join(folder, 'token'), [part({ alg: 'RS256' }), part(claims), 'signature'].join('.'));
    return realmOf(join(folder, 'token'));
  };

  it('is that of its service account', () => {
    const claims = { namespace: 'films', serviceaccount: { name: 'default', uid: 'account-1' } };
    expect(token({ 'kubernetes.io': claims })).toBe('films/account-1');
  });

  it.each([
    [{ sub: 'somebody' }],
    [{ 'kubernetes.io': { namespace: 'films' } }],
    [{ 'kubernetes.io': { namespace: 'films', serviceaccount: { uid: '' } } }],
    ['text'],
    [null],
  ])('is unknown to a token of %j', (claims) => {
    expect(token(claims)).toBeUndefined();
  });

  it('is unknown where there is no token', () => {
    expect(realmOf(join(folder, 'missing'))).toBeUndefined();
  });
});
