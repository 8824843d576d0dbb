import { once } from 'node:events';
import type { Server } from 'node:http';
import { request as httpsRequest, type Server as SecureServer } from 'node:https';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HOSTILE_RECORDS, HOSTILE_REQUESTS, mutated } from '../../test/build/hostile-bytes.ts';
import { progressRecord } from '../../test/build/observed.ts';
import { createDice } from '../../test/faults/dice.ts';
import { createAuthority, createServerCertificate, nameOfAuthority } from '../progress/certificate.ts';
import { createInbox } from '../progress/inbox.ts';
import { type Answer, createProgressServer } from '../progress/server.ts';
import { createHealthServer } from '../telemetry/health.ts';

const authority = createAuthority(nameOfAuthority, new Date());
const GOOD = ['GET /livez HTTP/1.1\r\nHost: x\r\n\r\n', 'HEAD /metrics HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n'];
const POST = 'POST /v1/progress HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer of-pod-1\r\n';
const goodPost = (() => {
  const body = JSON.stringify(progressRecord());
  return `${POST}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
})();

let health: Server;
let progress: SecureServer;
let answers: Answer[];
let sockets: Socket[];
/** Shorter than in earnest, so that tests need not wait as long as an attacker would. */
const REQUEST_MS = 200;

beforeEach(async () => {
  answers = [];
  sockets = [];
  health = createHealthServer({ illness: () => undefined, unready: () => undefined, metrics: async () => 'm 1\n' });
  progress = createProgressServer(createServerCertificate(authority, '127.0.0.1', new Date()), {
    inbox: createInbox({ wake: () => {} }),
    authenticate: (token) => Promise.resolve(token.startsWith('of-') ? { podUid: token.slice(3) } : 'refused'),
    isCurrent: (podUid) => podUid.startsWith('pod-'),
    isLeading: () => true,
    namespaceOf: () => 'films',
    deletedFilms: async () => ({ deleted: [], unknown: [] }),
    measure: (answer) => answers.push(answer),
  });
  for (const server of [health, progress]) {
    server.requestTimeout = REQUEST_MS;
    server.headersTimeout = REQUEST_MS;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of [health, progress]) {
    server.close();
    server.closeAllConnections();
  }
});

const portOf = (server: Server | SecureServer) => (server.address() as AddressInfo).port;

function opened<T extends Socket>(socket: T): T {
  socket.on('error', () => {});
  socket.resume();
  sockets.push(socket);
  return socket;
}
const plain = (server: Server | SecureServer) => opened(connect(portOf(server), '127.0.0.1'));
async function secure(options: object = {}): Promise<TLSSocket> {
  const socket = opened(connectTls({ port: portOf(progress), host: '127.0.0.1', ca: authority.cert, ...options }));
  await once(socket, 'secureConnect');
  return socket;
}
const closed = (socket: Socket) =>
  socket.closed ? Promise.resolve() : new Promise<void>((resolve) => socket.on('close', () => resolve()));

/** Sends all, then waits until the server has closed the connection. */
async function throwAt(socket: Socket, bytes: string | Uint8Array): Promise<void> {
  socket.end(bytes);
  await closed(socket);
}

/** Whether both servers still do what they are there for. */
async function stillServing(): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${portOf(health)}/livez`);
  expect(`${response.status} ${await response.text()}`).toBe('200 ok\n');
  const call = httpsRequest({
    ...{ host: '127.0.0.1', port: portOf(progress), method: 'POST', path: '/v1/progress', ca: authority.cert },
    headers: { authorization: 'Bearer of-pod-good' },
    agent: false,
  });
  call.end(JSON.stringify(progressRecord()));
  const [answer] = await once(call, 'response');
  answer.resume();
  expect(answer.statusCode).toBe(204);
}

/** The first bytes of a TLS client. */
async function clientHello(): Promise<Uint8Array> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = opened(connectTls({ port: (listener.address() as AddressInfo).port, host: '127.0.0.1' }));
  const [socket] = (await once(listener, 'connection')) as [Socket];
  const [bytes] = await once(socket, 'data');
  client.destroy();
  listener.close();
  return bytes;
}

describe('the listeners survive', () => {
  it('every request that is none, on both ports', async () => {
    for (const text of HOSTILE_REQUESTS) await throwAt(plain(health), Buffer.from(text, 'latin1'));
    for (const text of HOSTILE_REQUESTS) await throwAt(await secure(), Buffer.from(text, 'latin1'));
    await stillServing();
  });

  it('what only resembles a request', async () => {
    const dice = createDice(7);
    const good = [...GOOD, goodPost, ...HOSTILE_REQUESTS.filter(({ length }) => length < 500)].map((text) =>
      Buffer.from(text),
    );
    for (let i = 0; i < 300; i += 1) await throwAt(plain(health), mutated(good, dice));
    for (let i = 0; i < 150; i += 1) await throwAt(await secure(), mutated(good, dice));
    await stillServing();
  });

  it('what is no TLS, half of it, or a damaged handshake', async () => {
    const hello = await clientHello();
    const dice = createDice(11);
    for (const bytes of HOSTILE_RECORDS) await throwAt(plain(progress), bytes);
    for (let i = 0; i < 200; i += 1) await throwAt(plain(progress), mutated([hello], dice));
    await stillServing();
  });

  it('senders who leave at any moment', async () => {
    const hello = await clientHello();
    for (let i = 0; i < 40; i += 1) {
      const leaving = [plain(health), plain(progress), await secure()];
      leaving[0]?.write(goodPost.slice(0, i * 10));
      leaving[1]?.write(hello.subarray(0, i * 10));
      leaving[2]?.write(goodPost.slice(0, i * 10));
      if (i % 2 === 0) await sleep(1);
      for (const socket of leaving) socket.destroy();
    }
    await stillServing();
  });

  it('one who asks for the handshake again and again', async () => {
    const socket = await secure({ maxVersion: 'TLSv1.2' });
    for (let i = 0; i < 20 && !socket.destroyed; i += 1)
      await Promise.race([new Promise((resolve) => socket.renegotiate({}, resolve)), closed(socket)]);
    socket.destroy();
    await stillServing();
  });
});

describe('the listeners end', () => {
  it.each<[string, () => Promise<Socket>, string]>([
    ['a connection that says nothing', async () => plain(health), ''],
    ['a connection that says nothing inside TLS', () => secure(), ''],
    ['a head that never ends', async () => plain(health), 'GET / HTTP/1.1\r\n'],
    ['a head that never ends inside TLS', () => secure(), POST],
    ['a body that never comes', () => secure(), `${POST}Content-Length: 500\r\n\r\n`],
    [
      'a body that nobody asked for',
      async () => plain(health),
      'GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n',
    ],
    ['a body of a stranger', () => secure(), `${POST.replace('of-pod-1', 'bad')}Content-Length: 500\r\n\r\n`],
  ])('%s, however slowly more of it comes', async (_what, open, start) => {
    const socket = await open();
    socket.write(start);
    // A letter now and then: nobody may live on that.
    const drip = setInterval(() => start !== '' && socket.write('a'), 20);
    await closed(socket);
    clearInterval(drip);
    await stillServing();
  });

  it.each([
    ['the pod at work', 'of-pod-1'],
    ['a stranger', 'bad'],
    ['the pod of another film', 'of-other'],
  ])('a body without end of %s', async (_what, token) => {
    const socket = await secure();
    socket.write(`${POST.replace('of-pod-1', token)}Transfer-Encoding: chunked\r\n\r\n`);
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
    const pour = () => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', pour);
    pour();
    await closed(socket);
    expect(answers).toHaveLength(1);
    expect(answers).not.toContain('taken');
    await stillServing();
  });

  it('bodies that come slowly, of which only so many are held at a time', async () => {
    progress.requestTimeout = 60_000;
    const start = 'Content-Length: 500\r\n\r\n{';
    for (let pod = 0; pod < 50; pod += 1)
      for (let i = 0; i < 4; i += 1) (await secure()).write(`${POST.replace('pod-1', `pod-${pod}`)}${start}`);
    // Two of each pod are held, and the others sent away at once.
    while (answers.length < 100) await sleep(5);
    expect(answers.every((answer) => answer === 'busy')).toBe(true);
    for (let pod = 50; pod < 80; pod += 1) (await secure()).write(`${POST.replace('pod-1', `pod-${pod}`)}${start}`);
    // 64 are read and 64 wait; two of the last thirty are too many.
    while (answers.length < 102) await sleep(5);
    expect(answers).toHaveLength(102);
  });

  it('connections of one sender beyond its share: the oldest that never asked for anything', async () => {
    health.requestTimeout = 60_000;
    health.headersTimeout = 59_000;
    const held = Array.from({ length: 32 }, () => plain(health));
    await Promise.all(held.map((socket) => once(socket, 'connect')));
    const next = plain(health);
    await closed(held[0]!);
    // Who asks is answered all the same, in place of one that says nothing.
    expect((await fetch(`http://127.0.0.1:${portOf(health)}/livez`)).status).toBe(200);
    await closed(held[1]!);
    expect(next.closed).toBe(false);
    expect(held.filter((socket) => !socket.closed).length).toBe(30);
  });
});
