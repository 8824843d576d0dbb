/** Byte strings that no honest sender would send to a server: made by hand, and by seeded chance from good ones. */
import type { Dice } from '../faults/dice.ts';

const TARGETS = [
  ...['//', '///livez', '*', 'http://[', 'http://', 'http://x/livez', '/%', '/%zz', '/%c0%af', '?', '\\', '#', '/..//'],
  ...[
    'javascript:1',
    '/v1/progress//',
    '//v1/progress',
    '/v1/progress?x=%',
    '/\u00e9',
    '/\u0001',
    `/${'a'.repeat(20_000)}`,
  ],
];
const METHODS = ['GET', 'POST', 'HEAD', 'OPTIONS', 'CONNECT', 'TRACE', 'PRI', 'get', 'PROPFIND'];
const HEAD = 'POST /v1/progress HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer of-pod-1\r\n';
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;

/** Requests, and what looks like some. */
export const HOSTILE_REQUESTS: readonly string[] = [
  ...TARGETS.flatMap((target) => METHODS.map((method) => `${method} ${target} HTTP/1.1\r\nHost: x\r\n\r\n`)),
  ...[
    '',
    '\r\n',
    '\r\n'.repeat(5000),
    '\0',
    'GET',
    'GET /',
    'GET /\r\n',
    'GET / HTTP/1.1\r\n',
    'GET /livez HTTP/9.9\r\n\r\n',
  ],
  ...['GET /livez HTTP/1.1\r\n\r\n', 'GET /livez HTTP/1.0\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ...['no colon', ': no name', 'a\0b: c', 'a: b\0c', 'a: b\rc: d', ' folded: x', 'Host: y', 'Content-Length: -1'].map(
    (header) => `GET /livez HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n`,
  ),
  `GET / HTTP/1.1\r\nHost: x\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: x\r\n${Array.from({ length: 2000 }, (_, i) => `x${i}: y\r\n`).join('')}\r\n`,
  `${HEAD}${'Authorization: Bearer x\r\n'.repeat(50)}\r\n`,
  ...['', ' ', 'Bearer', 'Bearer ', 'Basic eA==', 'Bearer a b', `Bearer ${'.'.repeat(10_000)}`].map(
    (value) => `POST /v1/progress HTTP/1.1\r\nHost: x\r\nAuthorization: ${value}\r\nContent-Length: 2\r\n\r\n{}`,
  ),
  'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: x\r\n\r\n',
  ...['100-continue', '200-ok', ''].map((expect) => `${HEAD}Expect: ${expect}\r\nContent-Length: 5\r\n\r\n`),
  ...[
    'zz\r\n',
    '-1\r\n',
    'ffffffffffffffffff\r\n',
    '5\r\nab',
    '0\r\nTrailer',
    '1;x=\0\r\na\r\n',
    '\r\n',
    '2\r\n{}\r\n0\r\n\r\n',
  ].map((chunk) => `${CHUNKED}${chunk}`),
  `${HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET // HTTP/1.1\r\n\r\n`,
  `${HEAD}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}`,
  `${HEAD}Content-Length: 99999999999999999999\r\n\r\n{}`,
  ...['[', 'null', '{"a":'.repeat(5000), '[]'.repeat(9), '"\ud800"', '{"__proto__":{"x":1}}', '1e999'].map(
    (body) => `${HEAD}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  ),
  'GET // HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(200),
];

const record = (type: number, length: number, rest: string) =>
  Buffer.concat([Buffer.from([type, 3, 1, length >> 8, length & 255]), Buffer.from(rest, 'latin1')]);

/** What comes to a TLS port without being a handshake. */
export const HOSTILE_RECORDS: readonly Buffer[] = [
  ...HOSTILE_REQUESTS.slice(0, 40).map((text) => Buffer.from(text)),
  ...[0x14, 0x15, 0x16, 0x17, 0x18, 0xff].flatMap((type) =>
    [0, 1, 5, 0x4000, 0xffff].map((n) => record(type, n, 'x'.repeat(5))),
  ),
  record(0x15, 2, '\x02\x28'),
  record(0x16, 4, '\x01\x00\x00\x00'),
  record(0x16, 4, '\x01\xff\xff\xff'),
  Buffer.from('802e0100020015000000100100800200800300800400800500800600400700c0', 'hex'),
];

/** Something near good bytes, or nothing like them. */
export function mutated(good: readonly Uint8Array[], dice: Dice): Buffer {
  const bytes = Buffer.from(dice.pick(good));
  const at = () => dice.between(0, Math.max(0, bytes.length - 1));
  switch (dice.between(0, 4)) {
    case 0:
      return Buffer.from(Array.from({ length: dice.between(1, 600) }, () => dice.between(0, 255)));
    case 1:
      return bytes.subarray(0, at());
    case 2:
      return Buffer.concat([bytes.subarray(0, at()), Buffer.from(dice.pick(good)).subarray(at())]);
    case 3:
      return Buffer.concat([bytes, bytes, bytes.subarray(at())]);
    default:
      for (let times = dice.between(1, 8); times > 0; times -= 1) bytes[at()] = dice.between(0, 255);
      return bytes;
  }
}
