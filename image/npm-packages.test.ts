import { expect, test } from 'vitest';
import { neededPackages } from './npm-packages.ts';

const lock = {
  packages: {
    '': { dependencies: { a: '1', c: '1' } },
    'node_modules/a': { dependencies: { b: '1', '@s/d': '1' } },
    'node_modules/a/node_modules/b': { dependencies: { e: '2' } },
    'node_modules/b': { dependencies: { c: '1' } },
    'node_modules/c': { optionalDependencies: { 'c-linux': '1', 'c-gone': '1' } },
    'node_modules/c-linux': {},
    'node_modules/@s/d': { peerDependencies: { e: '*', 'not-installed': '*' }, dependencies: { a: '1' } },
    'node_modules/e': {},
    'node_modules/other': { dependencies: { e: '1' } },
  },
};

test.each<[string, string[], string[]]>([
  ['nothing but itself', ['e'], ['node_modules/e']],
  ['optional parts that are installed', ['c'], ['node_modules/c', 'node_modules/c-linux']],
  [
    'the nearest package of a name, peers, and circles',
    ['a'],
    ['node_modules/@s/d', 'node_modules/a', 'node_modules/a/node_modules/b', 'node_modules/e'],
  ],
  ['all of several', ['b', 'e'], ['node_modules/b', 'node_modules/c', 'node_modules/c-linux', 'node_modules/e']],
])('a package needs %s', (_, names, needed) => {
  expect(neededPackages(lock, names)).toEqual(needed);
});

test('of a package whose files alone are used, the needs stay away', () => {
  expect(neededPackages(lock, ['b', 'e'], ['b'])).toEqual(['node_modules/b', 'node_modules/e']);
});
