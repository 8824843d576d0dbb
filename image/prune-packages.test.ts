import { globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { prunePackages } from './prune-packages.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prune-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('what stays is what the program needs and Node reads', () => {
  const packages = {
    '': {},
    'node_modules/a': { dependencies: { '@s/b': '1' } },
    'node_modules/a/node_modules/@s/b': {},
    'node_modules/@s/b': {},
    'node_modules/c': { dependencies: { a: '1' } },
  };
  const files = [
    ...['a/index.js', 'a/index.d.ts', 'a/index.js.map', 'a/bin/only-elsewhere', 'a/node_modules/@s/b/index.cjs'],
    ...['@s/b/index.js', 'c/index.js', '.package-lock.json', '.bin/link'],
  ];
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages }));
  for (const file of files) {
    const path = join(folder, 'node_modules', file);
    mkdirSync(dirname(path), { recursive: true });
    if (file === '.bin/link') symlinkSync('../c/index.js', path);
    else writeFileSync(path, '');
  }
  prunePackages(folder, { npmPackages: ['a'], npmFilesOnly: [], pruned: ['a/bin'] });
  expect(globSync('node_modules/**', { cwd: folder }).sort()).toEqual([
    ...['node_modules', 'node_modules/a', 'node_modules/a/index.js', 'node_modules/a/node_modules'],
    ...[
      'node_modules/a/node_modules/@s',
      'node_modules/a/node_modules/@s/b',
      'node_modules/a/node_modules/@s/b/index.cjs',
    ],
  ]);
});
