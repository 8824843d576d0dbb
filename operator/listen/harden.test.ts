import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { guarded, harden, pathOfTarget, SERVER_OPTIONS } from './harden.ts';

it.each([
  ['/livez', '/livez'],
  ['/livez?verbose', '/livez'],
  ['/livez#x', '/livez'],
  ['//', '//'],
  ['//livez', '//livez'],
  ['*', '*'],
  ['?', '/'],
  ['', '/'],
  [undefined, '/'],
  ['http://x', '/'],
  ['http://x/livez', '/livez'],
  ['http://x?livez', '/'],
  ['HTTPS://user@x:1/livez?y', '/livez'],
  ['http://[', '/'],
  ['http:///livez', '/livez'],
  ['/%2e%2e/%zz', '/%2e%2e/%zz'],
  ['/http://x/livez', '/http://x/livez'],
  ['localhost:80', 'localhost:80'],
])('the path of %j is %j', (target, path) => {
  expect(pathOfTarget(target)).toBe(path);
});

describe('a hardened server', () => {
  let close = () => {};
  afterEach(() => close());

  async function serving(handle: Parameters<typeof guarded>[0], warn?: (message: string) => void) {
    const server = harden(createServer(SERVER_OPTIONS, guarded(handle, warn)), { keepAliveMs: 5000, ofOne: 8 });
    close = () => {
      server.close();
      server.closeAllConnections();
    };
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }
  /** All that comes back for some bytes. */
  async function answerTo(port: number, bytes: string): Promise<string> {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => (text += part));
    socket.end(bytes);
    await once(socket, 'close');
    return text;
  }

  it('ends a connection whose sender asks on and on without waiting for answers, and handles no more than a few', async () => {
    let handled = 0;
    const server = await serving((_request, response) => {
      handled += 1;
      setTimeout(() => response.end('x'), 50);
    });
    const { port } = server.address() as AddressInfo;
    await answerTo(port, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(2000));
    expect(handled).toBe(4);
  });

  it('answers requests one after another over one connection, also a few that are sent ahead', async () => {
    const server = await serving((_request, response) => void response.end('x'));
    const { port } = server.address() as AddressInfo;
    const few = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(3);
    expect((await answerTo(port, few)).match(/200 OK/g)).toHaveLength(3);
  });

  it.each<[string, Parameters<typeof guarded>[0]]>([
    [
      'throws',
      () => {
        throw new Error('odd');
      },
    ],
    ['rejects', () => Promise.reject(new Error('odd'))],
    ['throws what is no error', () => Promise.reject('odd')],
    [
      'fails after it has begun to answer',
      (_request, response) => {
        response.writeHead(200).write('half');
        throw new Error('odd');
      },
    ],
  ])('goes on when its handler %s, and tells why', async (_what, handle) => {
    const told: string[] = [];
    const server = await serving(handle, (message) => told.push(message));
    const { port } = server.address() as AddressInfo;
    for (let i = 0; i < 2; i += 1)
      expect(await answerTo(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).not.toContain('odd');
    expect(told).toEqual(['odd', 'odd']);
  });

  it.each([
    ['no request', 'nonsense\r\n\r\n', '400 Bad Request'],
    [
      'a head that is too long',
      `GET / HTTP/1.1\r\nx: ${'y'.repeat(30_000)}\r\n\r\n`,
      '431 Request Header Fields Too Large',
    ],
    ['a head that is cut', 'GET / HTTP/1.1\r\nHost', '400 Bad Request'],
  ])('says what is wrong with %s, and closes', async (_what, bytes, status) => {
    const server = await serving((_request, response) => void response.end());
    const { port } = server.address() as AddressInfo;
    expect(await answerTo(port, bytes)).toBe(`HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`);
  });

  it('says that a head took too long', async () => {
    const server = await serving((_request, response) => void response.end());
    server.headersTimeout = 100;
    server.requestTimeout = 100;
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\n');
    const [bytes] = await once(socket, 'data');
    expect(String(bytes)).toContain('408 Request Timeout');
  });
});
