import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { keepShares } from './shares.ts';

const SHARE = 3;
let close = () => {};
afterEach(() => close());

async function serving(answer: RequestListener): Promise<number> {
  const server = createServer(answer);
  keepShares(server, SHARE);
  close = () => {
    server.close();
    server.closeAllConnections();
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A connection from 127.0.0.1, or from another sender. */
async function open(port: number, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress }).on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Asks once; whether there was an answer. */
async function ask(socket: Socket): Promise<boolean> {
  if (socket.closed) return false;
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  return Promise.race([once(socket, 'data').then(() => true), once(socket, 'close').then(() => false)]);
}

it('who opens connections and says nothing keeps nobody behind the same address out', async () => {
  const port = await serving((_request, response) => void response.end('x'));
  const silent: Socket[] = [];
  for (let i = 0; i < SHARE; i += 1) silent.push(await open(port));
  const honest = await open(port);
  expect(await ask(honest)).toBe(true);
  expect(await ask(silent[0]!)).toBe(false);
  expect(await ask(silent[1]!)).toBe(true);
});

it('a connection that was of use stays, whatever is opened after it', async () => {
  const port = await serving((_request, response) => void response.end('x'));
  const first = await open(port);
  expect(await ask(first)).toBe(true);
  for (let i = 0; i < 3 * SHARE; i += 1) await open(port);
  expect(await ask(first)).toBe(true);
});

it('a connection whose requests were refused is of no use', async () => {
  const port = await serving((_request, response) => void response.writeHead(401).end('x'));
  const first = await open(port);
  expect(await ask(first)).toBe(true);
  for (let i = 0; i < SHARE; i += 1) await ask(await open(port));
  expect(await ask(first)).toBe(false);
});

it('where all connections of a sender are of use, it gets no other; another sender does', async () => {
  const port = await serving((_request, response) => void response.end('x'));
  for (let i = 0; i < SHARE; i += 1) expect(await ask(await open(port))).toBe(true);
  expect(await ask(await open(port))).toBe(false);
  expect(await ask(await open(port, '127.0.0.2'))).toBe(true);
});

it('a place that was left is free again', async () => {
  const port = await serving((_request, response) => void response.end('x'));
  for (let i = 0; i < 4 * SHARE; i += 1) {
    const socket = await open(port);
    expect(await ask(socket)).toBe(true);
    socket.destroy();
    await once(socket, 'close');
    // The server hears of it a moment later.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});
