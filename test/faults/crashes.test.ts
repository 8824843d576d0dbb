import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { writeJob, writeManifest } from './film-input.ts';
import { type FilmProcess, killQuietly, readRecord, startFilm } from './film-process.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dualparal-crashes-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(scratch, 'run-'));
});

/** Longer than any test waits for. */
const LONG = { frames: 4001, steps: 50 };

/** A long film in the middle of its denoising. */
async function longFilm(launcher: readonly string[] = []): Promise<FilmProcess> {
  const film = startFilm(['generate', '-f', writeManifest(folder, 'film', LONG), '-o', 'out', '--json'], {
    cwd: folder,
    launcher,
  });
  await film.said('"phase":"Denoising"');
  return film;
}

const gone = async (film: FilmProcess) => {
  for (let tries = 0; film.living().length > 0 && tries < 100; tries++) await sleep(50);
  return film.living().length === 0;
};

describe('a process that dies without a word leaves a result all the same: what ended it, what that means, an exit code', () => {
  test.each([
    { signal: 'SIGSEGV', code: 'E_CRASHED', message: /^the runtime crashed \(SIGSEGV\) after \d+ of 4001 frames: / },
    { signal: 'SIGILL', code: 'E_CRASHED', message: /^the runtime crashed \(SIGILL\)/ },
    { signal: 'SIGABRT', code: 'E_CRASHED', message: /^the runtime crashed \(SIGABRT\)/ },
    { signal: 'SIGBUS', code: 'E_FILE_LOST', message: /\(SIGBUS\) .*a weight file was cut short while it was in use/ },
    { signal: 'SIGKILL', code: 'E_KILLED', message: /\(SIGKILL\) .*most likely because memory ran out/ },
  ] as const)('$signal', async ({ signal, code, message }) => {
    const film = await longFilm();
    killQuietly(film.child()!, signal);
    const { status, record, stderr } = await film.ended;
    expect({ status, record }).toEqual({
      status: 60,
      record: {
        ...{
          contractVersion: 1,
          outcome: 'failed',
          framesReady: expect.any(Number),
          elapsedSeconds: expect.any(Number),
        },
        error: { code, message: expect.stringMatching(message), fixer: expect.any(String), exit: 'device' },
      },
    });
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(`${code}: ${record?.error?.message}`);
    expect(await gone(film)).toBe(true);
  });

  test('what it had started is ended, too, wherever that has gone', async () => {
    const ffmpeg = join(folder, 'ffmpeg');
    const version = 'echo "ffmpeg version 9 --enable-libx264"';
    writeFileSync(ffmpeg, `#!/bin/sh\ncase "$*" in *-version*) ${version};; *) setsid sleep 97; esac\n`);
    chmodSync(ffmpeg, 0o755);
    const film = startFilm(['generate', '-f', writeManifest(folder, 'film', { frames: 41 }), '-o', 'out'], {
      cwd: folder,
      environment: { DUALPARAL_FFMPEG: ffmpeg },
    });
    // The parent, the child, the shell and the sleeper.
    for (let tries = 0; film.living().length < 4 && tries < 600; tries++) await sleep(50);
    killQuietly(film.child()!);
    expect((await film.ended).status).toBe(60);
    expect(await gone(film)).toBe(true);
  });

  test('in a pod: as the termination message', async () => {
    const log = join(folder, 'termination-log');
    const film = startFilm(['run', '--job', writeJob(folder, 'film', join(folder, 'out'), LONG)], {
      cwd: folder,
      environment: { DUALPARAL_TERMINATION_LOG: log },
    });
    while (film.child() === undefined) await sleep(20);
    await sleep(1500);
    killQuietly(film.child()!, 'SIGSEGV');
    expect((await film.ended).status).toBe(60);
    expect(readRecord(readFileSync(log, 'utf8'))?.error?.code).toBe('E_CRASHED');
  });
});

const CGROUP = '/sys/fs/cgroup/memory';
const hasMemoryGroups = process.getuid?.() === 0 && existsSync(join(CGROUP, 'memory.oom_control'));

test.skipIf(!hasMemoryGroups)(
  'memory that runs out is named (needs root and control groups of version 1)',
  async () => {
    const group = join(CGROUP, `dualparal-test-${process.pid}`);
    mkdirSync(group);
    try {
      writeFileSync(join(group, 'memory.limit_in_bytes'), String(170e6));
      // By its plan it would not even begin.
      const script = `echo $$ > ${group}/cgroup.procs; DUALPARAL_IGNORE_MEMORY=1 exec "$@"`;
      const film = await longFilm(['sh', '-c', script, 'sh']);
      // What the kernel ends is the process with the most memory. Where the film needs less than the limit, the limit shrinks.
      for (let limit = 160e6; film.living().length > 1 && limit > 70e6; limit -= 10e6) {
        await sleep(200);
        try {
          writeFileSync(join(group, 'memory.limit_in_bytes'), String(limit));
        } catch {
          // As low as it goes by itself: the next allocation is too much.
        }
      }
      const { status, record } = await film.ended;
      expect([status, record?.error?.code]).toEqual([60, 'E_OUT_OF_MEMORY']);
    } finally {
      for (let tries = 0; existsSync(group) && tries < 50; tries++) {
        try {
          rmdirSync(group);
        } catch {
          await sleep(100);
        }
      }
    }
  },
);

describe('signals', () => {
  test('a second one ends the run at once, with a record', async () => {
    const film = await longFilm();
    // It cannot stop by itself.
    killQuietly(film.child()!, 'SIGSTOP');
    film.kill('SIGTERM');
    await sleep(700);
    film.kill('SIGTERM');
    const { status, record } = await film.ended;
    expect([status, record?.outcome, record?.error?.code]).toEqual([143, 'stopped', 'E_STOPPED_AT_ONCE']);
    expect(await gone(film)).toBe(true);
  });

  test('a parent that is killed takes its child along: it stops, and nothing is left', async () => {
    const film = await longFilm();
    film.kill('SIGKILL');
    expect((await film.ended).status).toBe('SIGKILL');
    expect(await gone(film)).toBe(true);
    expect(readRecord(film.stdout().trimEnd().split('\n').at(-1) ?? '')?.error?.code).toBe('E_STOPPED');
  });
});
