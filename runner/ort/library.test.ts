import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
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

test('a path is taken as it is, and a name that is nowhere stays one', () => {
  expect(look(join(folder, 'nowhere.so')).path).toBe(join(folder, 'nowhere.so'));
  expect(look('found/nowhere.so').path).toBe('found/nowhere.so');
  expect(look('libnowhere.so').path).toBe('libnowhere.so');
});
