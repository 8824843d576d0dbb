import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { writeJob, writeManifest } from './film-input.ts';
import { killQuietly, ROOT } from './film-process.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dualparal-screen-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(scratch, 'run-'));
});

const MAIN = join(ROOT, 'runner/cli/main.ts');
const BIN = join(ROOT, 'bin/dualparal.mjs');
const SHORT = { frames: 41, steps: 4 };
const LONG = { frames: 4001, steps: 50 };

function start(...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
}

const endOf = (child: ChildProcess) =>
  new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? signal)),
  );

/** Resolves at the first output that holds `text`. */
const saying = (child: ChildProcess, text: string) =>
  new Promise<void>((resolve) => child.stdout?.on('data', (chunk) => String(chunk).includes(text) && resolve()));

describe('a film goes on to its own end without its screen', () => {
  test.each([
    { what: 'the reader of its JSON lines goes', streams: ['stdout'], args: ['--json'] },
    { what: 'the reader of its notes goes', streams: ['stderr'], args: [] },
    { what: 'both go', streams: ['stdout', 'stderr'], args: ['--json'] },
  ] as const)('$what', async ({ streams, args }) => {
    const film = start(MAIN, 'generate', '-f', writeManifest(folder, 'film', SHORT), '-o', 'out', ...args);
    for (const stream of streams) film[stream]?.once('data', () => film[stream]?.destroy());
    expect(await endOf(film)).toBe(0);
    expect(readdirSync(join(folder, 'out'))).toContain('video.mp4');
  });

  test('in a pod, the reader of its log goes', async () => {
    const film = start(MAIN, 'run', '--job', writeJob(folder, 'film', join(folder, 'out'), SHORT));
    film.stderr?.destroy();
    expect(await endOf(film)).toBe(0);
    expect(readdirSync(join(folder, 'out'))).toContain('video.mp4');
  });

  test('its terminal hangs up', async () => {
    const film = start(MAIN, 'generate', '-f', writeManifest(folder, 'film', SHORT), '-o', 'out', '--json');
    await saying(film, '"phase":"Loading"');
    film.kill('SIGHUP');
    expect(await endOf(film)).toBe(0);
  });
});

test.each(['plan', 'generate'])(
  '%s whose output a full disk does not take says so by its exit code, if that was all',
  async (verb) => {
    const file = writeManifest(folder, 'film', SHORT);
    const run = spawn('sh', ['-c', `exec "$0" "$@" > /dev/full`, process.execPath, MAIN, verb, '-f', file, '--json'], {
      cwd: folder,
      stdio: 'ignore',
    });
    expect(await endOf(run)).toBe(verb === 'plan' ? 50 : 0);
  },
);

describe('dualparal under a Node that is too old starts the newer one', () => {
  /** Makes Node say that it is an old one. */
  function old(): readonly string[] {
    const file = join(folder, 'old.mjs');
    writeFileSync(
      file,
      `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.0.0' } });`,
    );
    return ['--import', file];
  }
  const longFilm = async () => {
    const film = start(...old(), BIN, 'generate', '-f', writeManifest(folder, 'film', LONG), '-o', 'out', '--json');
    await saying(film, '"phase":"Denoising"');
    return film;
  };
  const childOf = (pid: number | undefined) =>
    Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);

  test.each([
    { signal: 'SIGTERM', exit: 10 },
    { signal: 'SIGINT', exit: 10 },
  ] as const)('$signal is passed on, and the exit code comes back', async ({ signal, exit }) => {
    const film = await longFilm();
    film.kill(signal);
    expect(await endOf(film)).toBe(exit);
  });

  test('and tells a process that a signal ended from one that failed', async () => {
    const film = await longFilm();
    killQuietly(childOf(film.pid), 'SIGSEGV');
    expect(await endOf(film)).toBe(128 + 11);
  });

  test('and its death is a stop for the film', async () => {
    const film = await longFilm();
    let last = '';
    film.stdout?.on('data', (chunk) => {
      last = String(chunk);
    });
    film.kill('SIGKILL');
    await new Promise((resolve) => film.stdout?.once('end', resolve));
    expect(last).toContain('"code":"E_STOPPED"');
  });
});
