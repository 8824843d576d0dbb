import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { selfSigned } from '../../test/build/self-signed.ts';
import { askDeletedFilms, realmOf } from './deleted-films.ts';

const film = (name: string) => ({ name, uidPart: '0123abcd' });

let folder: string;
let ending: AbortController;
let server: Server;
let place: AddressInfo;
let answers: (readonly [status: number, body?: unknown])[];
let received: { readonly path: string | undefined; readonly token: string | undefined; readonly names: string[] }[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dualparal-asking-'));
  writeFileSync(join(folder, 'token'), 'a-token\n');
  [answers, received, ending] = [[], [], new AbortController()];
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
  return askDeletedFilms(target, names.map(film), { signal: ending.signal, firstRetryMilliseconds: 1 });
}

async function told(...names: readonly string[]) {
  return (await Array.fromAsync(ask(...names))).flat();
}

describe('the operator is asked which films are deleted', () => {
  it('beside its path for reports, with the token of the pod', async () => {
    expect(await told('a')).toEqual([film('a')]);
    expect(received).toEqual([{ path: '/v1/deleted-films', token: 'Bearer a-token', names: ['a'] }]);
  });

  it('in questions of fifty', async () => {
    const names = Array.from({ length: 101 }, (_, i) => `film-${i}`);
    expect((await told(...names)).length).toBe(101);
    expect(received.map((each) => each.names.length)).toEqual([50, 50, 1]);
  });

  it('again, where it does not know the pod yet', async () => {
    answers = [[403], [503], [429]];
    expect(await told('a')).toEqual([film('a')]);
    expect(received.length).toBe(4);
  });

  it('again, where it is away for a moment', async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
    const { port } = place;
    const asking = told('a');
    server.listen(port, '127.0.0.1');
    expect(await asking).toEqual([film('a')]);
  });

  it('and one of before it knew the question tells of none', async () => {
    answers = [[404]];
    expect(await told('a')).toEqual([]);
  });

  it('again for those of which it cannot tell, while the others are known already', async () => {
    const names = Array.from({ length: 60 }, (_, i) => `film-${i}`);
    answers = [
      [200, { deleted: [film('film-1')], unknown: [film('film-2')] }],
      [503],
      [200, { deleted: [film('film-2')] }],
    ];
    const asking = ask(...names);
    expect((await asking.next()).value).toEqual([film('film-1')]);
    expect((await asking.next()).value).toEqual([]);
    expect((await asking.next()).value).toEqual([film('film-2')]);
    expect(received.map((each) => each.names.length)).toEqual([50, 10, 11]);
    await asking.return(undefined);
  });

  it.each<[string, number, unknown?]>([
    ['refuses', 403],
    ['answers what is no answer', 200, 'yes'],
    ['answers with another record', 200, { deleted: 'all' }],
  ])('until the film is over, where it %s; then that is said', async (_what, status, body) => {
    answers = Array(100).fill([status, body]);
    const asking = told('a');
    while (received.length < 8) await sleep(1);
    ending.abort();
    await expect(asking).rejects.toThrow(/^the operator does not say which films are deleted: /);
    expect(received.length).toBeLessThan(100);
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
