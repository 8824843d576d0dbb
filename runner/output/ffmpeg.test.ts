import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openBlockEncoder } from './encoder.ts';
import { findFfmpeg } from './ffmpeg.ts';
import { createPatience } from './patience.ts';
import { startFfmpeg } from './start-ffmpeg.ts';

const HAS_X264 = 'configuration: --enable-gpl --enable-libx264';
const PICTURE = { width: 16, height: 16, fps: 16 };
const FRAME = new Uint8Array(16 * 16 * 3);

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dualparal-ffmpeg-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** A program that answers `-version` with `says`, and otherwise does `does`. */
function script(name: string, says: string, does = 'exit 1'): string {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\ncase "$*" in *-version*) printf '%s\\n' "${says}"; exit 0;; esac\n${does}\n`);
  chmodSync(file, 0o755);
  return file;
}

const fake = (version: string) => `ffmpeg version ${version}\n${HAS_X264}`;

describe('finding ffmpeg', () => {
  it('takes the program of DUALPARAL_FFMPEG before the one on PATH', async () => {
    const named = script('mine', fake('1-mine'));
    script('ffmpeg', fake('2-path'));
    const found = { program: named, version: 'ffmpeg version 1-mine' };
    expect(await findFfmpeg({ DUALPARAL_FFMPEG: named, PATH: folder })).toEqual(found);
    expect(await findFfmpeg({ DUALPARAL_FFMPEG: 'mine', PATH: folder })).toEqual(found);
  });

  it('takes the one on PATH before the one of npm', async () => {
    const program = script('ffmpeg', fake('2-path'));
    expect(await findFfmpeg({ PATH: `/nowhere:${folder}` })).toEqual({ program, version: 'ffmpeg version 2-path' });
  });

  it.each([
    { name: 'has no libx264', says: 'ffmpeg version 3\nconfiguration: --disable-gpl' },
    { name: 'is something else', says: 'hello' },
  ])('passes over the one on PATH when it $name', async ({ says }) => {
    script('ffmpeg', says);
    expect((await findFfmpeg({ PATH: folder })).program).toContain('@ffmpeg-installer');
  });

  it('finds the one of npm where the machine has none', async () => {
    const { program, version } = await findFfmpeg({ PATH: '' });
    expect(program).toContain(join('@ffmpeg-installer', `${process.platform}-${process.arch}`, 'ffmpeg'));
    expect(version).toMatch(/^ffmpeg version /);
  });

  it.each([
    { name: 'is not there', program: () => join(folder, 'absent'), reason: 'does not run (ENOENT)' },
    { name: 'is a folder', program: () => folder, reason: 'does not run (EACCES)' },
    {
      name: 'fails',
      program: () => script('f', 'x').replace(/f$/, linkTo('/bin/false')),
      reason: 'does not run (exit 1)',
    },
    { name: 'is no ffmpeg', program: () => script('f', 'x'), reason: 'does not say that it is ffmpeg' },
    { name: 'cannot encode', program: () => script('f', 'ffmpeg version 3'), reason: 'was built without libx264' },
  ])('says so when DUALPARAL_FFMPEG names a program that $name', async ({ program, reason }) => {
    const named = program();
    await expect(findFfmpeg({ DUALPARAL_FFMPEG: named, PATH: folder })).rejects.toMatchObject({
      code: 'E_FFMPEG_UNUSABLE',
      exit: 'output',
      message: `DUALPARAL_FFMPEG names ${named}, which ${reason}; set it to an ffmpeg with libx264, or unset it`,
    });
  });

  function linkTo(target: string): string {
    symlinkSync(target, join(folder, 'link'));
    return 'link';
  }
});

describe('an ffmpeg that fails', () => {
  const encode = async (does: string, signal?: AbortSignal) => {
    const program = script('ffmpeg', fake('4'), does);
    const encoder = openBlockEncoder({ program, version: '' }, PICTURE, 2, createPatience(), signal);
    await encoder.write(FRAME);
    await encoder.write(FRAME);
    return encoder.finish();
  };

  it('is quoted with its exit and last words', async () => {
    await expect(encode("cat > /dev/null; echo 'Unknown encoder' >&2; exit 3")).rejects.toMatchObject({
      code: 'E_FFMPEG_FAILED',
      exit: 'output',
      message: expect.stringMatching(/ffmpeg could not encode a block: exit 3, Unknown encoder; run it by hand/),
    });
  });

  it('is ended when it writes without end', async () => {
    await expect(encode('exec cat /dev/zero')).rejects.toMatchObject({
      code: 'E_FFMPEG_FAILED',
      message: expect.stringMatching(/ it wrote more than the \d+ bytes that this can take; /),
    });
  });

  it('is found out when it stops reading', async () => {
    const program = script('ffmpeg', fake('4'), 'exit 5');
    const child = startFfmpeg({ program, version: '' }, [], { task: 'try', mostBytes: 1000 });
    const big = new Uint8Array(1 << 24);
    const writing = async () => {
      for (;;) await child.write(big);
    };
    await expect(writing()).rejects.toMatchObject({ code: 'E_FFMPEG_FAILED' });
  });

  it('is told from one that was killed, which may be tried again', async () => {
    await expect(encode('cat > /dev/null; kill -9 $$')).rejects.toMatchObject({
      code: 'E_FFMPEG_KILLED',
      exit: 'device',
      message: expect.stringContaining('was killed by SIGKILL before it could encode a block'),
    });
  });

  it('is not believed when it exits with 0 and wrote no film', async () => {
    await expect(encode('cat > /dev/null; echo hello')).rejects.toMatchObject({ code: 'E_OUTPUT_MP4' });
  });

  it('is not believed when it exits with 0 and wrote fewer frames', async () => {
    const { program } = await findFfmpeg({ PATH: '' });
    const lazy = `head -c ${FRAME.length} | ${program} "$@"; cat > /dev/null`;
    await expect(encode(lazy)).rejects.toMatchObject({
      code: 'E_FFMPEG_FRAMES',
      message: expect.stringContaining('was given 2 frames and wrote 1;'),
    });
  });

  it('is named when it cannot be started', async () => {
    const child = startFfmpeg({ program: join(folder, 'absent'), version: '' }, [], { task: 'try', mostBytes: 1000 });
    await expect(child.finish()).rejects.toMatchObject({ code: 'E_FFMPEG_FAILED', message: /could not try: ENOENT/ });
  });

  it('ends at an abort, with its reason', async () => {
    const controller = new AbortController();
    const encoding = encode('sleep 60', controller.signal);
    controller.abort(new Error('the user stopped it'));
    await expect(encoding).rejects.toThrow('the user stopped it');
  });
});

describe('an ffmpeg that hangs', () => {
  /** How the programs below name the time of {@link long}. */
  const LONG = '<long>';
  const holdsPipes = `sleep ${LONG} & sleep ${LONG}`;
  const escaped = `setsid sleep ${LONG} & cat > /dev/null; sleep ${LONG}`;
  const deaf = `trap '' TERM INT HUP; cat > /dev/null; sleep ${LONG}`;

  let tests = 0;
  /**
   * Seconds that nothing else sleeps, so that what is left of a program can be found; of each test its own, since a child that
   * left its group may only become a `sleep` when its test is over.
   */
  let long: string;

  const hanging = (does: string) => script('ffmpeg', fake('4'), does.replaceAll(LONG, long));

  const encode = async (does: string, signal?: AbortSignal) => {
    const program = hanging(does);
    const encoder = openBlockEncoder({ program, version: '' }, PICTURE, 2, createPatience(400), signal);
    await encoder.write(FRAME);
    await encoder.write(FRAME);
    return encoder.finish();
  };

  /** Programs of this test that still run; one that left its group on purpose cannot be ended with it. */
  const left = () =>
    readdirSync('/proc').filter((pid) => {
      try {
        return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8') === `sleep\0${long}\0`;
      } catch {
        return false;
      }
    });

  beforeEach(() => {
    long = `97.${process.pid}${++tests}`;
  });

  afterEach(() => {
    for (const pid of left()) process.kill(Number(pid), 'SIGKILL');
  });

  it.each([
    { name: 'reads nothing', does: `sleep ${LONG}` },
    { name: 'reads everything and does not end', does: `cat > /dev/null; sleep ${LONG}` },
    { name: 'is a script whose children hold its pipes', does: holdsPipes },
    { name: 'does not listen to signals', does: deaf },
    { name: 'has a child that left its process group', does: escaped },
  ])('is ended and named, with its task and the seconds, when it $name', async ({ does }) => {
    const started = performance.now();
    await expect(encode(does)).rejects.toMatchObject({
      code: 'E_FFMPEG_HUNG',
      exit: 'device',
      message: expect.stringMatching(/^\/.*ffmpeg made no progress for 0.4 s when it had to encode a block/),
    });
    expect(performance.now() - started).toBeLessThan(60_000);
    if (does !== escaped) await vi.waitFor(() => expect(left()).toEqual([]), 20_000);
  });

  it.each([
    { name: 'reads nothing', does: `sleep ${LONG}` },
    { name: 'is a script whose children hold its pipes', does: holdsPipes },
    { name: 'does not listen to signals', does: deaf },
    { name: 'has a child that left its process group', does: escaped },
  ])('does not keep a stop waiting when it $name', async ({ does }) => {
    const controller = new AbortController();
    const encoding = encode(does, controller.signal);
    const started = performance.now();
    controller.abort(new Error('the user stopped it'));
    await expect(encoding).rejects.toThrow('the user stopped it');
    expect(performance.now() - started).toBeLessThan(60_000);
    if (does !== escaped) await vi.waitFor(() => expect(left()).toEqual([]), 20_000);
  });

  it('gives its film although a child of its script still holds the pipes', async () => {
    const { program } = await findFfmpeg({ PATH: '' });
    const slow = hanging(`sleep ${LONG} & exec ${program} "$@"`);
    const encoder = openBlockEncoder({ program: slow, version: '' }, PICTURE, 2, createPatience(30_000));
    for (let i = 0; i < 2; i++) await encoder.write(FRAME);
    expect((await encoder.finish()).media.byteLength).toBeGreaterThan(0);
    await vi.waitFor(() => expect(left()).toEqual([]), 20_000);
  });

  it('is passed over, or named, when it does not even say its version', async () => {
    const program = join(folder, 'ffmpeg');
    writeFileSync(program, `#!/bin/sh\nsleep ${long} & sleep ${long}\n`, { mode: 0o755 });
    vi.stubEnv('DUALPARAL_FFMPEG_PATIENCE_SECONDS', '0.4');
    try {
      expect((await findFfmpeg({ PATH: folder })).program).toContain('@ffmpeg-installer');
      await expect(findFfmpeg({ DUALPARAL_FFMPEG: program })).rejects.toMatchObject({
        code: 'E_FFMPEG_UNUSABLE',
        message: expect.stringContaining('did not answer within 0.4 s'),
      });
    } finally {
      vi.unstubAllEnvs();
    }
    const stopped = AbortSignal.timeout(50);
    await expect(findFfmpeg({ DUALPARAL_FFMPEG: program }, stopped)).rejects.toMatchObject({ name: 'TimeoutError' });
    await vi.waitFor(() => expect(left()).toEqual([]), 20_000);
  });
});
