import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

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

test('a build that is started through a link to its folder is no less a build', () => {
  const link = join(folder, 'link');
  if (!existsSync(link)) symlinkSync(import.meta.dirname, link);
  expect(build(join(link, 'build.ts'), 'nothing')).toEqual({ status: 2, stdout: '', said: 'E_IMAGE_USAGE' });
});
