import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { buildArguments, type GoModule, goModules, moduleKey, readSources, type SourceFile } from './modules.ts';

const module: GoModule = {
  name: 'sample',
  commands: [{ binary: 'sample', package: './sample' }],
  tags: ['no_x'],
  variables: { 'a/b.Version': 'v1' },
};
const source = (path: string, text: string): SourceFile => ({ path, bytes: Buffer.from(text) });
const sources = [source('go.mod', 'module sample'), source('main.go', 'package main')];
const key = moduleKey(module, 'go1.26.8', 'linux/amd64', sources);

describe('the key of a module', () => {
  test('names the module and does not depend on the order of its files', () => {
    expect(key).toMatch(/^sample-[0-9a-f]{20}$/);
    expect(moduleKey(module, 'go1.26.8', 'linux/amd64', [...sources].reverse())).toBe(key);
  });

  test.each<[string, string]>([
    ['Go’s version', moduleKey(module, 'go1.27.0', 'linux/amd64', sources)],
    ['the platform', moduleKey(module, 'go1.26.8', 'linux/arm64', sources)],
    ['a tag', moduleKey({ ...module, tags: [] }, 'go1.26.8', 'linux/amd64', sources)],
    ['a linker variable', moduleKey({ ...module, variables: {} }, 'go1.26.8', 'linux/amd64', sources)],
    [
      'a byte of a file',
      moduleKey(module, 'go1.26.8', 'linux/amd64', [sources[0]!, source('main.go', 'package Main')]),
    ],
    ['a file’s name', moduleKey(module, 'go1.26.8', 'linux/amd64', [sources[0]!, source('more.go', 'package main')])],
    ['a further file', moduleKey(module, 'go1.26.8', 'linux/amd64', [...sources, source('go.sum', '')])],
  ])('changes with %s', (_, changed) => {
    expect(changed).not.toBe(key);
  });

  test('does not confuse a file’s end with the next one’s start', () => {
    const one = moduleKey(module, '', '', [source('a', 'xb'), source('c', 'y')]);
    const two = moduleKey(module, '', '', [source('a', 'x'), source('bc', 'y')]);
    expect(one).not.toBe(two);
  });
});

test('go build is told tags, linker variables and to keep paths of this machine out', () => {
  expect(buildArguments(module)).toEqual([
    'build',
    '-mod=readonly',
    '-trimpath',
    '-buildvcs=false',
    '-tags',
    'no_x',
    '-ldflags',
    '-s -w -X a/b.Version=v1',
  ]);
});

test('every module has its pinned go.mod and go.sum, and no command is built twice', () => {
  for (const { name } of goModules) {
    const names = readSources(join(import.meta.dirname, 'modules', name)).map((file) => file.path);
    expect(names).toEqual(expect.arrayContaining(['go.mod', 'go.sum']));
  }
  const binaries = goModules.flatMap((entry) => entry.commands.map((command) => command.binary));
  expect(new Set(binaries).size).toBe(binaries.length);
});
