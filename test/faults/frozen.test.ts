import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { writeJob } from './film-input.ts';
import { type FilmProcess, killQuietly, readRecord, startFilm } from './film-process.ts';
import { sha256Of } from './probe.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dualparal-frozen-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const FILM = { frames: 81, steps: 6, stages: 2 };
let folder = '';
let output = '';
let job = '';
let wanted = '';

beforeEach(() => {
  folder = mkdtempSync(join(scratch, 'run-'));
  output = join(folder, 'films');
  job = jobFor('0s');
});

function jobFor(every: string): string {
  const file = writeJob(folder, 'film', output, { ...FILM, every });
  const spec = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...spec, output: { ...spec.output, earlier: [] } }));
  return file;
}

const logOf = (name: string) => join(folder, `${name}.log`);

function start(name: string, uid: string | undefined, launcher: readonly string[] = []): FilmProcess {
  const pod = uid === undefined ? {} : { DUALPARAL_POD_UID: `${uid}-0000-0000-0000-000000000000` };
  const environment = { ...pod, DUALPARAL_TERMINATION_LOG: logOf(name) };
  return startFilm(['run', '--job', job], { cwd: folder, environment, launcher });
}

const recordOf = (name: string) => readRecord(readFileSync(logOf(name), 'utf8'));

/** Stops all that belongs to a run, as a node does whose processor stands still. */
function freeze(film: FilmProcess): () => void {
  const frozen = film.living();
  for (const pid of frozen) killQuietly(pid, 'SIGSTOP');
  return () => {
    for (const pid of frozen) killQuietly(pid, 'SIGCONT');
  };
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(2);
}

/** Contents of all files below a folder, by name. */
function filesIn(place: string): Readonly<Record<string, string>> {
  const found = readdirSync(place, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = found.map(({ parentPath, name }) => join(parentPath, name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(place.length + 1), sha256Of(path)]));
}

function namesIn(place: string): readonly string[] {
  try {
    return readdirSync(place);
  } catch {
    return [];
  }
}

const isStored = (place: string, block: number) =>
  namesIn(join(place, 'blocks/checkpoint')).includes(`0000${block}.m4s`);

beforeAll(async () => {
  folder = mkdtempSync(join(scratch, 'undisturbed-'));
  output = join(folder, 'films');
  job = jobFor('60s');
  expect((await start('whole', undefined).ended).status).toBe(0);
  wanted = sha256Of(join(output, 'video.mp4'));
});

test('a pod that was frozen, replaced and woken writes in its own folder alone: film and result are the other one’s', async () => {
  mkdirSync(output);
  const first = start('first', '11111111');
  await until(() => isStored(join(output, '11111111'), 1));
  const wake = freeze(first);
  const { status } = await start('second', '22222222').ended;
  expect([status, recordOf('second')?.outcome]).toEqual([0, 'succeeded']);
  expect(recordOf('second')?.warnings).toEqual([expect.stringMatching(/^going on after iteration/)]);
  const before = filesIn(join(output, '22222222'));
  expect(before['video.mp4']).toBe(wanted);
  wake();
  const ended = await first.ended;
  expect(filesIn(join(output, '22222222'))).toEqual(before);
  expect(Object.keys(filesIn(output)).filter((name) => !/^(11111111|22222222)\//.test(name))).toEqual([]);
  const left = recordOf('first')!;
  if (ended.status === 0) expect(left.film?.sha256).toBe(wanted);
  else expect([left.outcome, left.error?.code]).toEqual(['failed', expect.stringMatching(/^E_(STORE|OUTPUT)_/)]);
});

/** As on another machine: what runs there cannot be seen from here. */
const ELSEWHERE = ['unshare', '--uts', 'sh', '-c', 'hostname elsewhere && exec "$@"', 'sh'];
const canBeElsewhere = spawnSync(ELSEWHERE[0]!, [...ELSEWHERE.slice(1), 'true']).status === 0;

describe.skipIf(!canBeElsewhere)(
  'two runs of one folder, of which the first is frozen on another machine and counts as dead',
  () => {
    test.each([
      { when: 'before its first checkpoint', every: '60s', isThere: () => isStored(output, 1) },
      { when: 'with checkpoints', every: '0s', isThere: () => isStored(output, 1) },
      {
        when: 'in the write of a checkpoint',
        every: '0s',
        isThere: () => isStored(output, 0) && namesIn(join(output, 'checkpoint')).some((name) => name.startsWith('.')),
      },
      {
        when: 'while it publishes',
        every: '0s',
        isThere: () =>
          namesIn(output).some((name) => name === 'video.json' || /^\.unfinished/.test(name)) && isStored(output, 9),
      },
    ])('$when: woken, it ends with a code and changes nothing', async ({ every, isThere }) => {
      job = jobFor(every);
      const first = start('first', undefined, ELSEWHERE);
      await until(isThere);
      const wake = freeze(first);
      const [claim] = namesIn(output).filter((name) => name.startsWith('running-'));
      utimesSync(join(output, claim!), 1, 1);
      const second = start('second', undefined);
      await until(() => namesIn(output).includes('running-2.json'));
      if (every === '60s') wake();
      const { status } = await second.ended;
      expect([status, recordOf('second')?.outcome]).toEqual([0, 'succeeded']);
      const before = filesIn(output);
      expect(before['video.mp4']).toBe(wanted);
      wake();
      await first.ended;
      // One that was about to join blocks finds that they are gone.
      const code = expect.stringMatching(/^E_(STORE_LOST|OUTPUT_BLOCK)$/);
      expect(recordOf('first')).toMatchObject({ outcome: 'failed', error: { code } });
      expect(filesIn(output)).toEqual(before);
    });
  },
);
