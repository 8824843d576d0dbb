import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sharedLibrary } from '../test/build/shared-library.ts';
import { readSharedLibrary } from './elf.ts';
import { accessTo, withFile } from './random-access.ts';

const read = (bytes: Buffer) => readSharedLibrary(accessTo(bytes));

test('a library names itself and what it needs, in order', () => {
  const bytes = sharedLibrary({ name: 'libx.so.1', needed: ['libz.so.1', 'libc.so.6'] });
  expect(read(bytes)).toEqual({ name: 'libx.so.1', needed: ['libz.so.1', 'libc.so.6'] });
});

test('a library without a name of its own, or without needs, is read as well', () => {
  expect(read(sharedLibrary({ needed: ['libc.so.6'] }))).toEqual({ needed: ['libc.so.6'] });
  expect(read(sharedLibrary())).toEqual({ needed: [] });
});

test.each<[string, Buffer]>([
  ['text', Buffer.from('#!/bin/sh\n'.repeat(20))],
  ['an empty file', Buffer.alloc(0)],
  ['a 32-bit library', Buffer.concat([Buffer.from('\x7fELF\x01\x01', 'latin1'), Buffer.alloc(100)])],
  ['a library that is cut off', sharedLibrary({ needed: ['libc.so.6'] }).subarray(0, 64)],
])('%s is no shared library', (_, bytes) => {
  expect(read(bytes)).toBeUndefined();
});

test('ONNX Runtime’s own library is read as the loader reads it', async () => {
  const file = join(import.meta.dirname, '../node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1');
  expect(await withFile(file, readSharedLibrary)).toEqual({
    name: 'libonnxruntime.so.1',
    needed: [
      ...['libdl.so.2', 'librt.so.1', 'libpthread.so.0', 'libstdc++.so.6', 'libm.so.6', 'libgcc_s.so.1', 'libc.so.6'],
      'ld-linux-x86-64.so.2',
    ],
  });
});
