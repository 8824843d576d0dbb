import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { writeJob, writeManifest } from './film-input.ts';
import { type Ended, type FilmProcess, killQuietly, ROOT, startFilm } from './film-process.ts';
import { sha256Of } from './probe.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dualparal-resume-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const FILM = { frames: 81, steps: 6, every: '0s' };
const LATENTS = 'latents.safetensors';
const FILES = ['poster.jpg', 'sheet.jpg', 'video.json', 'video.mp4'];
let folder = '';
let wanted: readonly string[];

const digests = () => [join(folder, 'out/video.mp4'), join(folder, LATENTS)].map(sha256Of);
const files = () => readdirSync(join(folder, 'out')).sort();
const saved = () => readdirSync(join(folder, 'out/checkpoint')).sort();

function begin(
  more: Partial<typeof FILM & { stages: number; seed: number }> = {},
  options: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
) {
  const manifest = writeManifest(folder, 'film', { ...FILM, ...more });
  return startFilm(['generate', '-f', manifest, '-o', 'out', '--latents', LATENTS, '--json', ...options], {
    cwd: folder,
    environment,
  });
}

/** A film that is told to stop once some of its frames are there. */
async function stopped(signal: 'SIGTERM' | 'SIGINT', stages = 2): Promise<Ended> {
  const film = begin({ stages });
  await film.said('"framesReady":13');
  film.kill(signal);
  return film.ended;
}

const warnings = ({ record }: Ended) => (record?.warnings ?? []).join('\n');

beforeAll(async () => {
  folder = mkdtempSync(join(scratch, 'undisturbed-'));
  expect((await begin({ stages: 1 }).ended).status).toBe(0);
  wanted = digests();
  expect(files()).toEqual(FILES);
});

beforeEach(() => {
  folder = mkdtempSync(join(scratch, 'run-'));
});

describe('a film that was told to stop', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'by %s ends with 10 and says from where it goes on; on other stages it is the same film',
    async (signal) => {
      const { status, record } = await stopped(signal);
      expect([status, record?.error?.code]).toEqual([10, 'E_STOPPED']);
      expect(record?.error?.message).toMatch(/; started again, it goes on after iteration \d+ of \d+$/);
      // Nothing was computed after it.
      expect(record?.checkpoint?.iteration).toBe(record?.iteration);
      const again = await begin({ stages: 3 }).ended;
      expect(warnings(again)).toMatch(
        /^going on after iteration \d+ of \d+, as of .*: \d+ of \d+ blocks were finished, [1-9]\d* of them encoded$/,
      );
      expect(digests()).toEqual(wanted);
      expect(files()).toEqual(FILES);
    },
  );

  test.each([
    {
      ...{ what: 'twice', grace: '60', warning: 'a second signal (SIGINT) ended the run at once' },
      stop: async (film: FilmProcess) => {
        film.kill('SIGINT');
        await sleep(700);
        film.kill('SIGINT');
      },
    },
    {
      ...{ what: 'by SIGINT and has too little time', grace: '1.2' },
      ...{
        warning: 'the run did not stop in time and was ended',
        stop: async (film: FilmProcess) => film.kill('SIGINT'),
      },
    },
  ])('$what ends with 10 all the same, where a checkpoint was made, and goes on from there', async (how) => {
    const film = begin({}, [], { DUALPARAL_GRACE_SECONDS: how.grace });
    await film.said('"checkpoint":{');
    // It cannot stop by itself.
    killQuietly(film.child()!, 'SIGSTOP');
    await how.stop(film);
    const { status, record } = await film.ended;
    expect([status, record?.error?.code, record?.warnings]).toEqual([10, 'E_STOPPED', [how.warning]]);
    const said = /; started again, it goes on after iteration (\d+) of \d+$/.exec(record?.error?.message ?? '');
    const again = await begin().ended;
    // One that was written by then, though the parent had not heard of it, is newer.
    expect(again.record?.resumedFrom?.iteration).toBeGreaterThanOrEqual(Number(said?.[1]));
    expect(digests()).toEqual(wanted);
  });

  test('begins anew with --fresh', async () => {
    await stopped('SIGTERM');
    const again = await begin({}, ['--fresh']).ended;
    expect(warnings(again)).toBe('');
    expect(digests()).toEqual(wanted);
    expect(files()).toEqual(FILES);
  });

  test('is not taken for another film, unless that is to replace it', async () => {
    await stopped('SIGTERM');
    rmSync(join(folder, 'out/partial.mp4'));
    rmSync(join(folder, 'out/video.json'));
    const before = saved();
    const other = await begin({ seed: 7 }).ended;
    expect([other.status, other.record?.error?.code]).toEqual([50, 'E_CHECKPOINT_OTHER']);
    expect(other.record?.error?.message).toContain('seed (1 there, 7 here)');
    expect(saved()).toEqual(before);
    expect((await begin({ seed: 7 }, ['--overwrite']).ended).status).toBe(0);
    expect(digests()).not.toEqual(wanted);
  });

  test('goes on from the checkpoint before where the newest is damaged, and anew where both are', async () => {
    await stopped('SIGTERM');
    const states = saved().filter((name) => name.startsWith('state'));
    expect(states).toHaveLength(2);
    truncateSync(join(folder, 'out/checkpoint', states[1]!), 100);
    const once = begin();
    await once.said('"phase":"Loading"');
    once.kill('SIGKILL');
    await once.ended;
    expect(once.stdout()).toMatch(/passed over: .*going on after iteration/s);
    for (const name of saved().filter((each) => each.startsWith('after'))) {
      writeFileSync(join(folder, 'out/checkpoint', name), '{}');
    }
    const again = await begin().ended;
    expect(warnings(again)).toMatch(/passed over/);
    expect(warnings(again)).not.toMatch(/going on/);
    expect(digests()).toEqual(wanted);
    expect(files()).toEqual(FILES);
  });

  test('goes on from the checkpoint before where bytes of the newest have changed, which is found while it loads', async () => {
    await stopped('SIGTERM');
    const [older, newest] = saved().filter((name) => name.startsWith('state'));
    flipByte(join(folder, 'out/checkpoint', newest!));
    const again = await begin().ended;
    expect(warnings(again)).toMatch(
      /^going on after iteration (\d+) .*\n.*after-\d+\.json is passed over: the state of block \d+ .*\ngoing on after iteration (?!\1 )/,
    );
    expect(again.record?.resumedFrom?.iteration).toBe(Number(/\d+/.exec(older!)![0]) + 1);
    expect(digests()).toEqual(wanted);
    expect(files()).toEqual(FILES);
  });

  test('begins anew where the states of both have changed, with the finished blocks that are left, which are not encoded again', async () => {
    await stopped('SIGTERM');
    for (const name of saved().filter((each) => each.startsWith('state')))
      flipByte(join(folder, 'out/checkpoint', name));
    const again = await begin({ stages: 3 }).ended;
    // Before anything is decoded.
    expect(again.stdout).toMatch(/"phase":"Denoising".*"iteration":0,.*"framesReady":[1-9]/);
    expect(warnings(again)).toMatch(
      /passed over: .*\n.*\n.*passed over: .*\nbeginning anew, but .*, [1-9]\d* of them encoded$/,
    );
    expect(again.record?.resumedFrom).toEqual({ iteration: 0 });
    expect(digests()).toEqual(wanted);
    expect(files()).toEqual(FILES);
  });

  test('begins anew where the latents of a finished block have changed', async () => {
    await stopped('SIGTERM');
    flipByte(join(folder, 'out/checkpoint/latents-0000000.f32'));
    const again = await begin().ended;
    expect(
      warnings(again).match(/is passed over: checkpoint\/latents-0000000\.f32 is not as it was written/g),
    ).toHaveLength(2);
    expect(again.record?.resumedFrom).toEqual({ iteration: 0 });
    expect(digests()).toEqual(wanted);
    expect(files()).toEqual(FILES);
  });

  test('encodes again what of its encoded blocks is not as it was stored', async () => {
    await stopped('SIGTERM');
    truncateSync(join(folder, 'out/blocks/checkpoint/00000.m4s'), 10);
    const again = await begin().ended;
    expect(warnings(again)).toMatch(/, 0 of them encoded$/);
    expect(digests()).toEqual(wanted);
  });
});

describe('dualparal checkpoints', () => {
  const show = (...args: readonly string[]) =>
    spawnSync(process.execPath, [join(ROOT, 'runner/cli/main.ts'), 'checkpoints', ...args], { encoding: 'utf8' });

  test('shows what a film would go on from, and what is damaged', async () => {
    await stopped('SIGTERM');
    const out = join(folder, 'out');
    const { status, stdout } = show(out, '--json');
    const { checkpoints } = JSON.parse(stdout);
    expect(status).toBe(0);
    expect(checkpoints).toHaveLength(2);
    expect(checkpoints[0]).toMatchObject({ usable: true, of: expect.any(Number), blocksFinished: expect.any(Number) });
    expect(show(out).stdout).toMatch(
      /^checkpoint\/after-\d+\.json: after iteration \d+ of \d+, .*: as it was written\n/,
    );
    for (const name of saved().filter((each) => each.startsWith('after')))
      writeFileSync(join(out, 'checkpoint', name), '{}');
    const damaged = show(out);
    expect([damaged.status, damaged.stderr]).toEqual([50, expect.stringContaining('E_CHECKPOINT_DAMAGED')]);
    expect(damaged.stdout).toMatch(/cannot be used/);
    rmSync(join(out, 'checkpoint'), { recursive: true });
    expect(show(out).stderr).toMatch(/^E_CHECKPOINT_NONE/);
  });
});

test('a film keeps its checkpoints where that is asked for', async () => {
  const manifest = writeManifest(folder, 'film', FILM);
  const film = JSON.parse(readFileSync(manifest, 'utf8'));
  film.spec.checkpoint.keep = true;
  writeFileSync(manifest, JSON.stringify(film));
  expect((await startFilm(['generate', '-f', manifest, '-o', 'out'], { cwd: folder }).ended).status).toBe(0);
  expect(files()).toEqual(['checkpoint', ...FILES]);
});

test('in a cluster a pod goes on with the checkpoint of an earlier one, in a folder of its own', async () => {
  const output = join(folder, 'films/one');
  mkdirSync(join(folder, 'films'));
  const job = writeJob(folder, 'film', output, { ...FILM, stages: 2 });
  const spec = JSON.parse(readFileSync(job, 'utf8'));
  spec.output.earlier = [];
  // As the undisturbed one says of itself.
  spec.model.ref = spec.model.folder;
  writeFileSync(job, JSON.stringify(spec));
  const log = join(folder, 'termination-log');
  const pod = (uid: string) =>
    startFilm(['run', '--job', job], {
      cwd: folder,
      environment: { DUALPARAL_POD_UID: uid, DUALPARAL_TERMINATION_LOG: log },
    });
  const first = pod('11111111-0000-0000-0000-000000000000');
  while (!exists(join(output, '11111111/blocks/checkpoint/00001.m4s')))
    await new Promise((done) => setTimeout(done, 5));
  first.kill('SIGTERM');
  expect((await first.ended).status).toBe(10);
  expect((await pod('22222222-0000-0000-0000-000000000000').ended).status).toBe(0);
  const { warnings: said } = JSON.parse(readFileSync(log, 'utf8'));
  expect(said).toEqual([expect.stringMatching(/^going on after iteration \d+ .*, [1-9]\d* of them encoded$/)]);
  expect(sha256Of(join(output, '22222222/video.mp4'))).toBe(wanted[0]);
  const left = readdirSync(output, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(left.map(({ parentPath }) => parentPath)).not.toContainEqual(expect.stringContaining('checkpoint'));
});

function flipByte(file: string): void {
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(file, bytes);
}

function exists(file: string): boolean {
  try {
    readFileSync(file);
    return true;
  } catch {
    return false;
  }
}
