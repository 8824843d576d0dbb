import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { canBuildLibraries } from '../../test/double/gpu-libraries.ts';
import { libraryPath } from './library.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'dualparal-library-')));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PROGRAM = `
  import { libraryPath, openLibrary } from '${join(import.meta.dirname, 'library.ts')}';
  import { readProvider } from '${join(import.meta.dirname, 'cuda-provider.ts')}';
  const path = libraryPath();
  const { missing } = await readProvider({ environment: process.env, milliseconds: 60_000 });
  console.log(JSON.stringify({ path, missing }));
`;

/** What a process finds that was told of a library by this name, with the folder of it on the loader's path. */
function look(named: string) {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    encoding: 'utf8',
    cwd: folder,
    env: { PATH: process.env.PATH, DUALPARAL_ORT_LIBRARY: named, LD_LIBRARY_PATH: join(folder, 'found') },
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as { path: string; missing: readonly string[] };
}

const inFound = (name: string) => join(folder, 'found', name);
const PROVIDER = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'].map(inFound);

test.skipIf(process.platform !== 'linux')(
  'a runtime that the loader finds by its name is a file, and its provider is looked for beside that',
  () => {
    mkdirSync(join(folder, 'found'));
    copyFileSync(libraryPath(), inFound('libonnxruntime.so.1'));
    symlinkSync('libonnxruntime.so.1', inFound('libmine.so'));
    for (const name of ['libonnxruntime.so.1', 'libmine.so']) {
      expect(look(name)).toEqual({ path: inFound(name), missing: PROVIDER });
    }
    writeFileSync(PROVIDER[0]!, '');
    expect(look('libonnxruntime.so.1').missing).toEqual(PROVIDER.slice(1));
  },
);

const OPENING = `
  import { ortApi } from '${join(import.meta.dirname, 'api.ts')}';
  try {
    ortApi();
  } catch ({ code, message }) {
    console.log(JSON.stringify({ code, message }));
  }
`;

/** How opening a library ends that was made of this. */
function openedOf(source: string): { code: string; message: string } {
  writeFileSync(join(folder, 'other.c'), source);
  const file = join(folder, `${Buffer.from(source).toString('hex').slice(0, 64)}.so`);
  execFileSync('cc', ['-shared', '-fPIC', '-o', file, join(folder, 'other.c')]);
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', OPENING], {
    encoding: 'utf8',
    cwd: import.meta.dirname,
    env: { PATH: process.env.PATH, DUALPARAL_ORT_LIBRARY: file },
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

test.skipIf(!canBuildLibraries).each([
  { what: 'another library', source: 'int other;', words: /Cannot find function 'OrtGetApiBase'/ },
  {
    what: 'one without anything behind its entry',
    source: 'void *OrtGetApiBase(void) { return 0; }',
    words: /nothing/,
  },
  {
    what: 'an older runtime',
    source:
      'static void *api(unsigned v) { return v > 20 ? 0 : "x"; } static struct { void *(*get)(unsigned); } base = { api };' +
      'void *OrtGetApiBase(void) { return &base; }',
    words: /an older version/,
  },
])('$what is no library to compute with, which is said by name (needs cc)', ({ source, words }) => {
  const { code, message } = openedOf(source);
  expect([code, message]).toEqual(['E_DEVICE_LIBRARY', expect.stringMatching(words)]);
  expect(message).toContain('DUALPARAL_ORT_LIBRARY names it');
});

test('a path is taken as it is, and a name that is nowhere stays one', () => {
  expect(look(join(folder, 'nowhere.so')).path).toBe(join(folder, 'nowhere.so'));
  expect(look('found/nowhere.so').path).toBe('found/nowhere.so');
  expect(look('libnowhere.so').path).toBe('libnowhere.so');
});
