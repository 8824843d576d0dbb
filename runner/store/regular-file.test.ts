import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { decodeUtf8, nameIsTaken, readRegularFile } from './regular-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'regular-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

test('a file is read whole, also through a link', () => {
  writeFileSync(at('file'), 'content');
  symlinkSync('file', at('link'));
  expect([at('file'), at('link')].map((path) => readRegularFile(path, 7))).toEqual([
    { bytes: new Uint8Array(Buffer.from('content')) },
    { bytes: new Uint8Array(Buffer.from('content')) },
  ]);
});

const FAULTS: readonly { name: string; make: (path: string) => void; fault: object }[] = [
  { name: 'nothing', make: () => {}, fault: { kind: 'missing', reason: 'the file is missing' } },
  {
    name: 'a pipe that nobody writes to',
    make: (path) => spawnSync('sh', ['-c', 'mkfifo "$0"', path]),
    fault: { kind: 'irregular', reason: 'is a pipe, not a regular file' },
  },
  {
    name: 'an endless device',
    make: (path) => symlinkSync('/dev/zero', path),
    fault: { kind: 'irregular', reason: 'is a device, not a regular file' },
  },
  { name: 'a folder', make: mkdirSync, fault: { kind: 'irregular', reason: 'is a folder, not a regular file' } },
  {
    name: 'a link to nowhere',
    make: (path) => symlinkSync('../blobs/abc', path),
    fault: { kind: 'dangling', reason: 'is a link to ../blobs/abc, where there is no file' },
  },
  {
    name: 'a link to itself',
    make: (path) => symlinkSync(path, path),
    fault: { kind: 'dangling', reason: 'is a link that leads back to itself' },
  },
  {
    name: 'a file of 8 GB',
    make: (path) => {
      writeFileSync(path, '');
      truncateSync(path, 8e9);
    },
    fault: { kind: 'large', reason: 'has 8000000000 bytes, the limit is 100' },
  },
  {
    name: 'a file that tells no size',
    make: (path) => symlinkSync('/proc/cpuinfo', path),
    fault: { kind: 'large', reason: 'has more than 100 bytes, the limit is 100' },
  },
];

test.each(FAULTS)('$name is refused without waiting', ({ name, make, fault }) => {
  make(at(name));
  expect(readRegularFile(at(name), 100)).toEqual({ fault });
});

test('a socket is refused', async () => {
  const server = createServer();
  await new Promise<void>((done) => server.listen(at('socket'), done));
  const found = readRegularFile(at('socket'), 100);
  await new Promise((done) => server.close(done));
  expect(found).toEqual({ fault: { kind: 'irregular', reason: 'is a socket, not a regular file' } });
});

test('a file that the user may not read is told from one that is not there', () => {
  writeFileSync(at('secret'), 'x');
  chmodSync(at('secret'), 0);
  const isRoot = process.getuid?.() === 0;
  chmodSync(folder, 0o755);
  if (isRoot) process.seteuid?.(65534);
  try {
    expect(readRegularFile(at('secret'), 100)).toEqual({
      fault: { kind: 'unreadable', reason: 'may not be read by this user (EACCES); change its permissions' },
    });
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
});

test('a name is taken by a link to nowhere too', () => {
  symlinkSync('nowhere', at('dangling'));
  expect([at('dangling'), at('none'), join(at('dangling'), 'below')].map(nameIsTaken)).toEqual([true, false, false]);
});

test.each([
  { name: 'plain', bytes: [0x61, 0xc3, 0xa9], decoded: { text: 'aé' } },
  { name: 'with a byte order mark', bytes: [0xef, 0xbb, 0xbf, 0x61], decoded: { text: 'a' } },
  { name: 'Latin-1', bytes: [0x61, 0xe9], decoded: { problem: 'it is not UTF-8 text' } },
  { name: 'UTF-16', bytes: [0xff, 0xfe, 0x61, 0], decoded: { problem: 'it is UTF-16 text; save it as UTF-8' } },
])('text that is $name is decoded or refused', ({ bytes, decoded }) => {
  expect(decodeUtf8(Uint8Array.from(bytes))).toEqual(decoded);
});
