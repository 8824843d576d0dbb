import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { baseOptions } from './base-layer.ts';
import { findForbidden } from './build.ts';
import {
  debianRelease,
  imagePackages,
  imageSettings,
  imageUser,
  isLeftOut,
  prunedDependencies,
  sourceEntries,
} from './contents.ts';

const repository = join(import.meta.dirname, '..');
const containerfile = readFileSync(join(repository, 'Containerfile'), 'utf8').replaceAll(/\s*\\\n\s*/g, ' ');

test('Containerfile and build agree on release, packages, user, sources and start', () => {
  expect(containerfile).toContain(`FROM debian:${debianRelease}-slim`);
  expect(containerfile).toContain(`--no-install-recommends ${imagePackages.join(' ')} &&`);
  expect(containerfile).toContain(`USER ${imageSettings.User}`);
  expect(containerfile).toContain(`ENV ${imageSettings.Env.join(' ')}`);
  expect(containerfile).toContain(`ENTRYPOINT ${JSON.stringify(imageSettings.Entrypoint).replaceAll(',', ', ')}`);
  expect(containerfile).toContain(`CMD ${JSON.stringify(imageSettings.Cmd)}`);
  for (const path of prunedDependencies) expect(containerfile).toMatch(new RegExp(`rm -rf[^&]* ${path}( |$)`, 'm'));
  const copied = [...containerfile.matchAll(/^COPY (?!-)(.*) \S+$/gm)].flatMap((match) => match[1]?.split(' ') ?? []);
  expect(copied.filter((name) => !/^package-lock|^\.npmrc/.test(name))).toEqual(
    expect.arrayContaining([...sourceEntries]),
  );
});

test('Containerfile takes the Node that the repository pins', () => {
  const { devDependencies } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
  expect(containerfile).toContain(`FROM node:${devDependencies.node}-bookworm-slim`);
});

test('both make the same account', () => {
  const account = `useradd --uid ${imageUser} --gid ${imageUser} --no-create-home --home-dir /tmp --shell /usr/sbin/nologin`;
  expect(containerfile).toContain(account);
  expect(baseOptions().join('\n')).toContain(account.replace('useradd', 'chroot "$1" useradd'));
});

test.each<[string, boolean]>([
  ['runner/plan/plan.ts', false],
  ['runner/plan/plan.test.ts', true],
  ['operator/job/golden', true],
  ['operator/job/golden/job.yaml', true],
  ['runner/README.md', true],
  ['runner/contract/golden.ts', false],
])('%s is left out: %s', (path, left) => {
  expect(isLeftOut(path)).toBe(left);
});

test('interpreters, compilers and package managers of others are found by their place and name', () => {
  const clean = ['./usr/bin/perl', './usr/local/bin/node', './usr/bin/ffmpeg', './app/node_modules/.bin/make'];
  const unwanted = ['./usr/bin/python3', './usr/bin/python3.11', './usr/bin/gcc-12', './bin/cc', './usr/local/bin/npm'];
  expect(findForbidden([...clean, ...unwanted])).toEqual(unwanted);
});
