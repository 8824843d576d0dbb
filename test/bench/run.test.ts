import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { markedProcesses } from '../build/marked-processes.ts';
import { isGone } from '../gpu/is-gone.ts';

const folders: string[] = [];
let temporary: string;
beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'run-bench-'));
  folders.push(temporary);
});
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const PROGRAM = join(import.meta.dirname, 'run.ts');
/** Benchmarks that measure no card, so that each says so at once. */
const NONE = ['schedule', 'stride', 'variants'];

function start(words: readonly string[], more: NodeJS.ProcessEnv = {}): ChildProcess {
  const env = { ...process.env, TMPDIR: temporary, ...more };
  return spawn(process.execPath, [PROGRAM, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

const benchesIn = (file: string) => Object.keys(JSON.parse(readFileSync(file, 'utf8')).benches).sort();

test('who has seen enough takes nothing of the measurement: all of it is in the results file', async () => {
  const results = join(folders[0]!, 'unseen.json');
  const child = start([...NONE, '--device', 'cuda', '--json', results]);
  child.stdout!.destroy();
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  expect(await once(child, 'close')).toEqual([0, null]);
  expect([benchesIn(results), said]).toEqual([NONE, '']);
});

test('a screen that is full takes nothing of the measurement, and it ends with 4 and says so', () => {
  const results = join(temporary, 'full.json');
  const full = openSync('/dev/full', 'w');
  const { status, stderr } = spawnSync(process.execPath, [PROGRAM, ...NONE, '--device', 'cuda', '--json', results], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  });
  closeSync(full);
  expect(stderr).toMatch(/^E_BENCH_SCREEN: not all was printed: ENOSPC.*\n$/);
  expect([status, benchesIn(results)]).toEqual([4, NONE]);
});

test('errors come on standard error, and the exit code is that of what was run', async () => {
  const child = start(['no-such']);
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]!.setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
    });
  }
  expect(await once(child, 'close')).toEqual([2, null]);
  expect(said).toEqual({ stdout: '', stderr: expect.stringMatching(/^E_BENCH_USAGE: no benchmark named no-such\n/) });
});

/** Processes that have this variable, and the program of a film among their words. */
function filmsWith(variable: string): readonly number[] {
  const films = markedProcesses(`${variable}=1`).filter(({ words }) => words.includes('programs/film.ts'));
  return films.map(({ pid }) => pid);
}

test.each([
  { signal: 'SIGTERM', code: 143 },
  { signal: 'SIGINT', code: 130 },
  { signal: 'SIGHUP', code: 129 },
] as const)(
  '$signal ends the film of a benchmark, leaves nothing behind and ends with $code',
  async ({ signal, code }) => {
    const mark = `BENCH_MARK_${temporary.replaceAll(/\W/g, '_')}`;
    const child = start(['film'], { [mark]: '1' });
    child.stdout!.resume();
    child.stderr!.resume();
    let films: readonly number[] = [];
    const isAtWork = () => {
      films = filmsWith(mark);
      const made = readdirSync(temporary, { recursive: true, encoding: 'utf8' });
      return films.length > 0 && made.some((path) => path.endsWith('first'));
    };
    while (!isAtWork()) await sleep(20);
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([code, null]);
    expect(await Promise.all(films.map(isGone))).not.toContain(false);
    expect([filmsWith(mark), readdirSync(temporary)]).toEqual([[], []]);
  },
);
