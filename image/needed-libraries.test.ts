import { expect, test } from 'vitest';
import { missingLibraries, missingText, systemLibraries } from './needed-libraries.ts';

test('what is needed and not there is named once, with all that need it', () => {
  const libraries = [
    { file: 'b.so', needed: ['libz.so.1', 'libc.so.6'] },
    { file: 'a.so', needed: ['libz.so.1', 'libcuda.so.1', 'b.so'] },
  ];
  const missing = missingLibraries(libraries, new Set(['libc.so.6', 'b.so']));
  expect(missing).toEqual([
    { library: 'libcuda.so.1', neededBy: ['a.so'] },
    { library: 'libz.so.1', neededBy: ['b.so', 'a.so'] },
  ]);
  expect(missingText(missing)).toBe('libcuda.so.1 (needed by a.so), libz.so.1 (needed by b.so, a.so)');
});

test('another version of a library is another library', () => {
  const libraries = [{ file: 'a.so', needed: ['libcudart.so.13'] }];
  expect(missingLibraries(libraries, new Set(['libcudart.so.12', 'libcudart.so']))).toHaveLength(1);
  expect(missingLibraries(libraries, new Set(['libcudart.so.13']))).toEqual([]);
});

test.each<[string, string | undefined]>([
  ['./lib/x86_64-linux-gnu/libc.so.6', 'libc.so.6'],
  ['./usr/lib/x86_64-linux-gnu/libstdc++.so.6', 'libstdc++.so.6'],
  ['./lib64/ld-linux-x86-64.so.2', 'ld-linux-x86-64.so.2'],
  ['/usr/lib/x86_64-linux-gnu/libz.so', 'libz.so'],
  // Folders of single programs, and other machines', are none of the loader's.
  ['./usr/lib/x86_64-linux-gnu/pulseaudio/libpulsecommon.so', undefined],
  ['./usr/lib/aarch64-linux-gnu/libc.so.6', undefined],
  ['./usr/share/libx.so', undefined],
  ['./usr/lib/x86_64-linux-gnu/libc.so.6.conf/x', undefined],
  ['./usr/lib/x86_64-linux-gnu/libc.a', undefined],
])('%s is a library that the loader finds as %s', (path, name) => {
  expect([...systemLibraries([path])]).toEqual(name === undefined ? [] : [name]);
});
