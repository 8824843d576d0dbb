import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { isGone } from '../test/gpu/is-gone.ts';

const folder = mkdtempSync(join(tmpdir(), 'build-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** With an empty cache, and without what the layers are made with. */
function build(program: string, ...words: string[]) {
  const env = { PATH: folder, DUALPARAL_IMAGE_CACHE: join(folder, 'cache') };
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], { env, encoding: 'utf8' });
  return { status, stdout, said: stderr.split(':')[0] };
}

const PROGRAM = join(import.meta.dirname, 'build.ts');

test.each([
  { words: ['runner', '-o'], status: 2, said: 'E_IMAGE_USAGE' },
  { words: ['runner-cuda', '--wheels', join(folder, 'nowhere')], status: 2, said: 'E_IMAGE_USAGE' },
  { words: ['runner', '-o', folder], status: 50, said: 'E_IMAGE_OUTPUT' },
  { words: ['runner', '-o', '/proc/x'], status: 50, said: 'E_IMAGE_OUTPUT' },
])('$words ends with $status before any layer is made', ({ words, status, said }) => {
  expect(build(PROGRAM, ...words)).toEqual({ status, stdout: '', said });
});

test.each([
  { program: 'model-image.ts', words: [folder, '--name', 'localhost/x:1', '-o', join(folder, 'x.tar')] },
  { program: 'prune-packages.ts', words: [folder, 'operator'] },
  { program: 'cuda-layer.ts', words: [join(folder, 'root'), '--system', folder] },
])('a folder that is not what $program takes is told by its own code', ({ program, words }) => {
  const ended = build(join(import.meta.dirname, program), ...words);
  expect(ended).toEqual({ status: 40, stdout: '', said: 'E_IMAGE_FOLDER' });
});

test('a build that is started through a link to its folder is no less a build', () => {
  const link = join(folder, 'link');
  if (!existsSync(link)) symlinkSync(import.meta.dirname, link);
  expect(build(join(link, 'build.ts'), 'nothing')).toEqual({ status: 2, stdout: '', said: 'E_IMAGE_USAGE' });
});

/** Starts a build whose base is made by this script; its cache and output are in the folder that comes back. */
async function building(script: string) {
  const at = mkdtempSync(join(folder, 'building-'));
  const [base, pid, out] = [join(at, 'mmdebstrap'), join(at, 'pid'), join(at, 'out')];
  writeFileSync(base, `#!/bin/sh\nfor file; do :; done\necho half > "$file"\necho $$ > '${pid}'\n${script}\n`);
  chmodSync(base, 0o755);
  const env = { PATH: `${at}:${process.env.PATH}`, DUALPARAL_IMAGE_CACHE: join(at, 'cache') };
  const args = [PROGRAM, 'operator', '-o', join(out, 'x.tar')];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  const left = () => [join(at, 'cache'), out].map((path) => readdirSync(path));
  return { child, ended, pid, left };
}

test.each([
  { signal: 'SIGTERM', code: 143 },
  { signal: 'SIGINT', code: 130 },
] as const)('$signal ends what a build has started, leaves nothing half made and ends with $code', async (given) => {
  const { child, ended, pid, left } = await building('exec sleep 600');
  child.stderr.resume();
  while (!existsSync(pid) || readFileSync(pid, 'utf8') === '') await sleep(10);
  child.kill(given.signal);
  expect(await ended).toEqual([given.code, null]);
  expect([await isGone(Number(readFileSync(pid, 'utf8'))), left()]).toEqual([true, [[], []]]);
});

test('a build that nobody watches any more goes on, and what it had half made is removed where it fails', async () => {
  const { child, ended, pid, left } = await building('exit 3');
  child.stderr.destroy();
  expect(await ended).toEqual([1, null]);
  expect([existsSync(pid), left()]).toEqual([true, [[], []]]);
});
