import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { zipArchive } from '../test/build/zip-archive.ts';
import { accessTo } from './random-access.ts';
import { readZipEntries, unzip } from './zip.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zip-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const long = 'kernel '.repeat(50_000);
const files = { 'a/packed.so': long, 'a/stored.so': 'as it is', 'empty.txt': '', 'none.txt': '' };

function archiveOf(bytes: Buffer): string {
  const archive = join(folder, 'x.whl');
  writeFileSync(archive, bytes);
  return archive;
}

test('files come out as they went in, packed, stored and empty', async () => {
  const outputs = Object.keys(files).map((path, index) => [path, join(folder, `${index}`)] as const);
  await unzip(archiveOf(zipArchive(files)), new Map(outputs));
  const contents = outputs.map(([path, output]) => [path, readFileSync(output, 'utf8')]);
  expect(Object.fromEntries(contents)).toEqual(files);
});

test('a file that the archive does not hold is named', async () => {
  const archive = archiveOf(zipArchive(files));
  await expect(unzip(archive, new Map([['a/other.so', join(folder, 'x')]]))).rejects.toMatchObject({
    code: 'E_IMAGE_WHEEL_FILE',
    message: `${archive} does not hold a/other.so, or not all of it`,
  });
});

test('a file that came out shorter than the archive’s list says is refused', async () => {
  const bytes = zipArchive({ x: 'a', y: 'twelve bytes' });
  const size = bytes.lastIndexOf(Buffer.from('504b0102', 'hex')) + 24;
  bytes.writeUInt32LE(13, size);
  await expect(unzip(archiveOf(bytes), new Map([['y', join(folder, 'y')]]))).rejects.toMatchObject({
    code: 'E_IMAGE_WHEEL_FILE',
  });
});

test('what is no archive has no list', () => {
  expect(readZipEntries(accessTo(Buffer.from('no archive at all, but long enough to be one')))).toBeUndefined();
  expect(readZipEntries(accessTo(Buffer.alloc(0)))).toBeUndefined();
  expect(readZipEntries(accessTo(zipArchive(files).subarray(8)))).toBeUndefined();
});
