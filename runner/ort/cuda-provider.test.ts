import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BREAKAGES,
  buildBrokenRuntime,
  buildGpuLibraries,
  canBuildLibraries,
} from '../../test/double/gpu-libraries.ts';

const folder = mkdtempSync(join(tmpdir(), 'dualparal-provider-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const WORDS: Readonly<Record<(typeof BREAKAGES)[number], RegExp>> = {
  'a text file': /libonnxruntime_providers_cuda\.so \((file too short|invalid ELF header)\)$/,
  'a file cut off':
    /libonnxruntime_providers_cuda\.so \(.*(ended by SIGBUS: it, or what it needs, is damaged|file too short)\)$/,
  'of another build': /libonnxruntime_providers_cuda\.so \(undefined symbol: no_such_thing\)$/,
  'another library': /libonnxruntime_providers_cuda\.so \(undefined symbol: GetProvider\)$/,
  'without its other part': /libonnxruntime_providers_shared\.so \(file too short\)$/,
};

/** What a process of its own finds, and what it comes to where it goes on all the same. */
const PROGRAM = `
  import { readProvider } from '${join(import.meta.dirname, 'cuda-provider.ts')}';
  import { openArena } from '${join(import.meta.dirname, 'arena.ts')}';
  const { missing } = await readProvider({ environment: process.env, milliseconds: 60_000 });
  let error = null;
  try {
    if (process.env.GO_ON) await openArena({ kind: 'cuda', index: 0, name: 'cuda:0' });
  } catch ({ code, message, fixer, exit }) {
    error = { code, message, fixer, exit };
  }
  console.log(JSON.stringify({ missing, error }));
`;

describe.skipIf(!canBuildLibraries)('a CUDA provider that is there and does not load (needs cc)', () => {
  beforeAll(() => buildGpuLibraries(folder));

  const look = (runtime: string, goOn: boolean) => {
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM], {
      encoding: 'utf8',
      cwd: import.meta.dirname,
      env: {
        ...process.env,
        DUALPARAL_ORT_LIBRARY: runtime,
        LD_LIBRARY_PATH: join(folder, 'cuda'),
        GO_ON: goOn ? '1' : '',
      },
    });
    expect([status, signal, status === 0 ? '' : stderr]).toEqual([0, null, '']);
    return JSON.parse(stdout);
  };

  test.each(BREAKAGES)('%s is told before anything is computed, in the words of the loader', (breakage) => {
    const runtime = buildBrokenRuntime(join(folder, breakage), breakage);
    const { missing } = look(runtime, false);
    expect(missing).toEqual([expect.stringMatching(WORDS[breakage])]);
  });

  test('who computes with it all the same gets the coded error, and no abort', () => {
    const runtime = buildBrokenRuntime(join(folder, 'used'), 'of another build');
    const { missing, error } = look(runtime, true);
    expect(error).toMatchObject({ code: 'E_DEVICE_PROVIDER', fixer: 'administrator', exit: 'device' });
    expect(error.message).toContain(`${missing[0]} cannot be loaded; use the runner's CUDA image`);
  });
});
