import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { killQuietly } from '../faults/film-process.ts';
import { buildStandIn, standInEnvironment, standInObstacle } from '../standin-cuda/build.ts';
import { isGone } from './is-gone.ts';
import type { PartReport, Verdict } from './verdict.ts';

const scratch = mkdtempSync(join(tmpdir(), 'gpu-program-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const PROGRAM = join(import.meta.dirname, 'gpu.ts');
const report = (name: string) => join(scratch, `${name}.json`);
const reported = (name: string) =>
  JSON.parse(readFileSync(report(name), 'utf8')) as { parts: Record<string, PartReport>; verdict: Verdict };

/** As on a machine where nothing is set by hand. */
const { LD_LIBRARY_PATH: _path, DUALPARAL_ORT_LIBRARY: _library, ...BARE } = process.env;

function run(name: string, words: readonly string[], more: NodeJS.ProcessEnv = {}) {
  const args = [PROGRAM, '--report', report(name), ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env: { ...BARE, ...more }, encoding: 'utf8' });
  return { status, stdout, stderr };
}

test.each([
  { words: ['--device', 'gpu'], problem: '--device is gpu' },
  { words: ['--parts', 'provider,nothing'], problem: 'no part named nothing' },
])('$words ends with 2 and says why, before anything runs', ({ words, problem }) => {
  const { status, stderr } = run('usage', words);
  expect(status).toBe(2);
  expect(stderr).toContain(`E_GPU_USAGE: ${problem}`);
  expect(existsSync(report('usage'))).toBe(false);
});

test('a report that cannot be written ends it with 2, before anything runs', () => {
  writeFileSync(join(scratch, 'file'), '');
  const blocked = join(scratch, 'file', 'report.json');
  const { status, stderr, stdout } = run('blocked', ['--report', blocked, '--device', 'cpu']);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain('E_GPU_USAGE: ');
  expect(stderr).toContain(join(scratch, 'file'));
});

test('a proof that holds ends with 0, and its report says what was held', () => {
  const { status, stdout } = run('held', ['--device', 'cpu', '--small', '--parts', 'provider']);
  expect(stdout).toContain('2 held, 0 failed, 0 not run: the proof holds');
  expect(status).toBe(0);
  expect(reported('held').verdict).toEqual({ holds: true, held: 2, failures: [], notRun: [] });
  expect(reported('held').parts.provider!.end).toBe('ended');
});

test('without a GPU nothing runs and nothing is fetched: it ends with 1 and says why', () => {
  const cache = join(scratch, 'never');
  const words = ['--parts', 'provider,films'];
  const { status } = run('none', words, { CUDA_VISIBLE_DEVICES: '', DUALPARAL_CUDA_CACHE: cache });
  expect(status).toBe(1);
  const { verdict, parts } = reported('none');
  expect(verdict.failures[0]).toMatch(/^E_DEVICE_(DRIVER|NONE): /);
  expect(verdict.failures.slice(1)).toEqual(['provider: missing', 'films: missing']);
  expect([parts, existsSync(cache)]).toEqual([{}, false]);
});

test('a process that a part leaves behind takes nothing of the other parts, and no report', () => {
  const [python, left] = [join(scratch, 'python'), join(scratch, 'left')];
  writeFileSync(python, `#!/bin/sh\n[ "$1" = -c ] && exit 0\nsetsid sleep 600 &\necho $! > ${left}\n`);
  chmodSync(python, 0o755);
  const words = ['--device', 'cpu', '--small', '--parts', 'torch,provider'];
  const { status } = run('behind', words, { DUALPARAL_TORCH_PYTHON: python });
  killQuietly(Number(readFileSync(left, 'utf8')));
  const { verdict, parts } = reported('behind');
  expect(Object.entries(parts).map(([name, { end }]) => [name, end])).toEqual([
    ['provider', 'ended'],
    ['torch', 'ended'],
  ]);
  expect([status, verdict.held, verdict.failures]).toEqual([1, 2, ['torch: nothing was judged']]);
});

test('what a machine lacks for parts that are not demanded is told and is no failure', () => {
  const bin = join(scratch, 'bin');
  mkdirSync(bin);
  const words = ['--device', 'cpu', '--small', '--parts', 'provider,torch,kernels'];
  const { status, stdout } = run('lacking', words, { PATH: bin, DUALPARAL_TORCH_PYTHON: join(bin, 'python') });
  expect(stdout).toMatch(/^not run: torch: /m);
  expect(stdout).toMatch(/^not run: kernels: /m);
  expect([status, reported('lacking').verdict.notRun.length]).toEqual([0, 2]);
});

test('where the temporary folder’s name has a space the provider’s copies are not counted, and it says so', () => {
  const temporary = join(scratch, 'with a space');
  mkdirSync(temporary);
  const { status, stdout } = run('spaced', ['--device', 'cpu', '--small', '--parts', 'provider,copies'], {
    TMPDIR: temporary,
  });
  expect(stdout).toMatch(/^not run: copies: .*not counted: the loader reads .*with a space.* as several names/m);
  expect([status, readdirSync(temporary).filter((name) => name.startsWith('dualparal-'))]).toEqual([0, []]);
});

test('who has seen enough takes nothing of the report: all parts run to their end', async () => {
  const temporary = join(scratch, 'unseen');
  mkdirSync(temporary);
  const args = [PROGRAM, '--report', report('unseen'), '--device', 'cpu', '--small', '--parts', 'provider,sessions'];
  const child = spawn(process.execPath, args, {
    env: { ...BARE, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  child.stdout.once('data', () => child.stdout.destroy());
  expect(await once(child, 'exit')).toEqual([0, null]);
  const { parts, verdict } = reported('unseen');
  expect([Object.keys(parts), verdict.holds, said]).toEqual([['provider', 'sessions'], true, '']);
  expect(readdirSync(temporary).filter((name) => name.startsWith('dualparal-'))).toEqual([]);
});

test('where nothing that was asked for can be measured nothing is proven, and it ends with 1', () => {
  const { status, stdout } = run('nothing', ['--device', 'cpu', '--parts', 'torch'], {
    DUALPARAL_TORCH_PYTHON: join(scratch, 'no-python'),
  });
  expect(stdout).toContain('0 held, 1 failed, 1 not run: the proof does not hold');
  expect(status).toBe(1);
});

test('stopped from outside it ends its part and leaves nothing of it, and the report says so', async () => {
  const temporary = join(scratch, 'stopped');
  mkdirSync(temporary);
  const args = [PROGRAM, '--report', report('stopped'), '--device', 'cpu', '--small', '--parts', 'bench-film,decoder'];
  const child = spawn(process.execPath, args, { env: { ...BARE, TMPDIR: temporary }, stdio: 'ignore' });
  // The folder of a film, in a folder of the benchmark's own.
  const made = () => readdirSync(temporary, { recursive: true, encoding: 'utf8' });
  while (!made().some((path) => path.endsWith('first'))) await sleep(10);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([1, null]);
  expect(reported('stopped').verdict.failures).toEqual(['bench-film: stopped from outside', 'decoder: missing']);
  expect(made()).toEqual([]);
});

test('a report that is not written is told, and ends it with 4 though the proof holds', () => {
  const words = ['--report', '/dev/full', '--device', 'cpu', '--small', '--parts', 'provider'];
  const { status, stdout, stderr } = run('overridden', words);
  expect(stdout).toContain('the proof holds');
  expect(stdout).not.toContain('report: ');
  expect(stderr).toMatch(/^E_GPU_REPORT: the report was not written: ENOSPC/m);
  expect(status).toBe(4);
});

const obstacle = standInObstacle();

describe.skipIf(obstacle !== undefined)(
  `on stand-in devices, which compute nothing (${obstacle ?? 'built here'})`,
  () => {
    const environment = (name: string) => standInEnvironment(buildStandIn(), join(scratch, `${name}.log`));

    test('products of zeros do not hold, and it ends with 1', () => {
      const { status } = run('zeros', ['--small', '--parts', 'provider'], environment('zeros'));
      expect(status).toBe(1);
      const { verdict, parts } = reported('zeros');
      expect([parts.provider!.end, verdict.held]).toEqual(['ended', 0]);
      const wanted = ['F32', 'F16', 'BF16'].map((dtype) => `matrix product in ${dtype}: does not hold`);
      expect(verdict.failures).toEqual(wanted.map((words) => expect.stringContaining(words)));
    });

    test.each(['SIGTERM', 'SIGINT'] as const)(
      '%s while libraries are fetched ends it, and leaves nothing',
      async (signal) => {
        const { DUALPARAL_ORT_LIBRARY: _, ...others } = environment('fetching');
        const bin = mkdtempSync(join(scratch, 'slow-pip-'));
        const [cache, temporary] = [join(bin, 'cache'), join(bin, 'tmp')];
        mkdirSync(temporary);
        writeFileSync(
          join(bin, 'pip3'),
          `#!/bin/sh\ntrap '' TERM INT\necho $$ > ${bin}/pid\nwhile :; do sleep 1; done\n`,
        );
        chmodSync(join(bin, 'pip3'), 0o755);
        const env = {
          ...BARE,
          ...others,
          PATH: `${bin}:${process.env.PATH}`,
          DUALPARAL_CUDA_CACHE: cache,
          TMPDIR: temporary,
        };
        const args = [PROGRAM, '--report', report('fetching'), '--small', '--parts', 'provider'];
        const child = spawn(process.execPath, args, { env, stdio: 'ignore' });
        const pidFile = join(bin, 'pid');
        while (!existsSync(pidFile) || readFileSync(pidFile, 'utf8') === '') await sleep(10);
        child.kill(signal);
        expect(await once(child, 'exit')).toEqual([1, null]);
        expect(reported('fetching').verdict.failures[0]).toMatch(/^stopped from outside/);
        expect([readdirSync(cache), readdirSync(temporary)]).toEqual([[], []]);
        expect(await isGone(Number(readFileSync(pidFile, 'utf8')))).toBe(true);
      },
    );

    test('where CUDA’s libraries cannot be fetched it ends with 1 and says what to do', () => {
      const { DUALPARAL_ORT_LIBRARY: _, ...others } = environment('offline');
      const bin = join(scratch, 'no-pip');
      mkdirSync(bin);
      const more = { ...others, PATH: bin, DUALPARAL_CUDA_CACHE: join(scratch, 'offline') };
      const { status, stdout } = run('offline', ['--small', '--parts', 'provider'], more);
      expect(status).toBe(1);
      expect(stdout).toContain('== fetching onnxruntime-gpu');
      const [problem] = reported('offline').verdict.failures;
      expect(problem).toMatch(/^E_IMAGE_PACKAGE: .*set LD_LIBRARY_PATH and DUALPARAL_ORT_LIBRARY/);
    });
  },
);
