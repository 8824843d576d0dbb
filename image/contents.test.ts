import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { baseOptions } from './base-layer.ts';
import { findForbidden } from './build.ts';
import { contentsOf, debianRelease, imageNames, imageUser, isForTools, isLeftOut, settingsOf } from './contents.ts';
import { CUDA_FOLDER, cudaEnvironment, cudaWheels } from './cuda-contents.ts';
import { placesOf } from './wheels.ts';

const repository = join(import.meta.dirname, '..');
const textOf = (path: string) => readFileSync(join(repository, path), 'utf8');
const containerfile = textOf('Containerfile').replaceAll(/\s*\\\n\s*/g, ' ');
const manifest = JSON.parse(textOf('package.json'));
const account = `useradd --uid ${imageUser} --gid ${imageUser} --no-create-home --home-dir /tmp --shell /usr/sbin/nologin`;

/** The lines of one stage of `Containerfile`. */
function stage(name: string): string {
  const [, text = ''] = containerfile.split(new RegExp(`^FROM \\S+ AS ${name}$`, 'm'));
  return text.split(/^FROM /m)[0] ?? '';
}

test.each(['operator', 'runner'] as const)('Containerfile and build agree on the %s', (image) => {
  const { debianPackages, sources } = contentsOf(image);
  const { Entrypoint, Cmd, Env, User } = settingsOf(image);
  const text = stage(image);
  const words = (list: readonly string[]) => JSON.stringify(list).replaceAll(',', ', ');
  expect(containerfile).toContain(`FROM debian:${debianRelease}-slim AS ${image}\n`);
  expect(text).toContain(`--no-install-recommends ${debianPackages.join(' ')} &&`);
  expect(text).toContain(account);
  expect(text).toContain(`USER ${User}\n`);
  expect(text).toContain(`ENV ${Env.join(' ')}\n`);
  expect(text).toContain(`ENTRYPOINT ${words(Entrypoint)}\n`);
  expect(/^CMD (.*)$/m.exec(text)?.[1] ?? '[]').toBe(words(Cmd));
  const copied = [...text.matchAll(/^COPY (?!-)(.*) \S+$/gm)].flatMap((match) => match[1]?.split(' ') ?? []);
  expect(copied.sort()).toEqual([...sources].sort());
  expect(stage(`${image}-packages`)).toContain(`RUN node image/prune-packages.ts . ${image}\n`);
});

test('the CUDA build is the runner’s image with the provider, the libraries and NVIDIA’s variables on top', () => {
  expect(containerfile).toContain('FROM runner AS runner-cuda\n');
  expect(stage('runner-cuda')).toContain(`ENV ${cudaEnvironment.join(' ')}\n`);
  const { Env, ...settings } = settingsOf('runner-cuda');
  const { Env: plain, ...same } = settingsOf('runner');
  expect(settings).toEqual(same);
  expect(Env).toEqual([...plain, ...cudaEnvironment]);
});

test('Containerfile takes the Node that the repository pins', () => {
  expect(containerfile).toContain(`FROM node:${manifest.devDependencies.node}-bookworm-slim AS packages\n`);
});

test.each(imageNames)('both make the same account in the image of the %s', (image) => {
  const options = baseOptions(contentsOf(image).debianPackages).join('\n');
  expect(options).toContain(account.replace('useradd', 'chroot "$1" useradd'));
});

test.each(['operator', 'runner'] as const)(
  'the %s has the npm packages that its sources import, and no other',
  (image) => {
    const { npmPackages, sources } = contentsOf(image);
    const files = sources
      .flatMap((entry) => globSync(`${entry}/**/*.ts`, { cwd: repository }))
      .filter((f) => !isLeftOut(f));
    const imported = files.flatMap((file) =>
      [...textOf(file).matchAll(/(?:from|import|resolve)\s*\(?\s*'((?:@[\w-]+\/)?[\w-]+)(?:\/[^']*)?'/g)].map(
        (match) => match[1],
      ),
    );
    const packages = new Set(imported.filter((name) => name !== undefined && name in manifest.dependencies));
    expect([...packages].sort()).toEqual([...npmPackages].sort());
  },
);

test('the provider is of the version of the runtime that npm installs', () => {
  const wheel = cudaWheels.find(({ name }) => name === 'onnxruntime-gpu');
  expect(wheel?.version).toBe(manifest.dependencies['onnxruntime-node']);
});

test('whatever the runner looks for before it takes a GPU is in the CUDA build', () => {
  const [, list = ''] = /const CUDA_LIBRARIES = \[([^\]]*)\]/.exec(textOf('runner/ort/cuda-libraries.ts')) ?? [];
  const wanted = [...list.matchAll(/'([^']+)'/g)].map((match) => `${CUDA_FOLDER}/${match[1]}`);
  expect(wanted.length).toBeGreaterThan(0);
  expect(cudaWheels.flatMap((wheel) => [...placesOf(wheel).values()])).toEqual(expect.arrayContaining(wanted));
});

test('the CUDA that containers are refused without is the one that the runner refuses a driver without', () => {
  const [, major, minor] = /const LEAST_CUDA = (\d+)_0(\d)0;/.exec(textOf('runner/ort/device-fitness.ts')) ?? [];
  expect(cudaEnvironment).toContain(`NVIDIA_REQUIRE_CUDA=cuda>=${major}.${minor}`);
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

test.each<[string, boolean]>([
  ['zod/index.js', false],
  ['zod/index.d.ts', true],
  ['zod/index.d.cts', true],
  ['zod/index.js.map', true],
  ['koffi/package.json', false],
  ['x/map.js', false],
])('%s of an npm package is for tools alone: %s', (path, forTools) => {
  expect(isForTools(path)).toBe(forTools);
});

test('interpreters, compilers and package managers of others are found by their place and name', () => {
  const clean = ['./usr/bin/perl', './usr/local/bin/node', './usr/bin/ffmpeg', './app/node_modules/.bin/make'];
  const unwanted = ['./usr/bin/python3', './usr/bin/python3.11', './usr/bin/gcc-12', './bin/cc', './usr/local/bin/npm'];
  expect(findForbidden([...clean, ...unwanted])).toEqual(unwanted);
});
