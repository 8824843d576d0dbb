import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Copied, readCopies } from '../gpu/copy-log.ts';
import type { Row } from '../gpu/part.ts';
import { buildStandIn, type StandIn, standInEnvironment, standInObstacle } from './build.ts';
import { eventsIn, type LoggedEvent } from './log.ts';

const scratch = mkdtempSync(join(tmpdir(), 'gpu-parts-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const obstacle = standInObstacle();

/** Copies as the stand-in has logged them, whoever asked for them. */
function loggedCopies(events: readonly LoggedEvent[]): readonly Omit<Copied, 'by'>[] {
  const how = { whole: 'copy', stream: 'copy', rows: 'rows', peer: 'hop' } as const;
  const place = (word: string) => (word === '-1' ? 'host' : Number(word));
  return events
    .filter(({ name }) => name === 'copy')
    .map(({ words }) => {
      const [from, , to, , bytes, kind] = words as [string, string, string, string, string, keyof typeof how];
      return { how: how[kind], from: place(from), to: place(to), bytes: Number(bytes) };
    });
}

/** How many there are of each, whatever their order. */
function tally(copies: readonly Omit<Copied, 'by'>[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { how, from, to, bytes } of copies) {
    // What is fetched for is nothing that CUDA knows.
    const key = `${how === 'samples' ? 'hop' : how} ${from} to ${to}, ${bytes} bytes`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return new Map([...counts].sort());
}

describe.skipIf(obstacle !== undefined)(
  `parts of npm run gpu on eight stand-in devices (${obstacle ?? 'built here'})`,
  { timeout: 300_000 },
  () => {
    let standIn: StandIn;
    beforeAll(() => {
      standIn = buildStandIn();
    }, 600_000);

    /** Runs a part in few tokens: its figures, and the stand-in's log. */
    function runPart(part: string, name: string, more: Readonly<Record<string, string>> = {}) {
      const folder = join(scratch, name);
      mkdirSync(folder);
      const log = join(folder, 'standin.log');
      const task = { part, kind: 'cuda', small: true, folder, rows: join(folder, 'rows') };
      const program = join(import.meta.dirname, '../gpu/run-part.ts');
      const env = { ...process.env, ...standInEnvironment(standIn, log), ...more };
      const { status, stderr } = spawnSync(process.execPath, [program, JSON.stringify(task)], {
        env,
        encoding: 'utf8',
      });
      expect(status, stderr).toBe(0);
      const rows = readFileSync(task.rows, 'utf8').trim().split('\n');
      return { folder, rows: rows.map((row) => JSON.parse(row) as Row), events: eventsIn(readFileSync(log, 'utf8')) };
    }

    const errorsIn = (rows: readonly Row[]) => rows.filter(({ error }) => error !== undefined);

    test('every copy is counted, the provider’s and our own, as the stand-in has logged them', () => {
      const { folder, rows, events } = runPart('copies', 'counted');
      expect(errorsIn(rows)).toEqual([]);
      expect(rows.filter(({ holds }) => holds !== true)).toEqual([]);
      const counted = readCopies(join(folder, 'copies.log'));
      expect(new Set(counted.map(({ by }) => by))).toEqual(new Set(['ours', 'provider']));
      expect(tally(counted)).toEqual(tally(loggedCopies(events)));
      // Each further stage adds one hop an item, and nothing that goes by the host.
      const item = (stages: number, where: string) => {
        const row = rows.find(({ name }) => name.startsWith(`an item on ${stages} stages on ${where},`))!;
        return row.perItem as Record<Copied['by'], Record<string, { readonly count: number }>>;
      };
      for (const stages of [2, 4]) {
        expect(item(stages, 'one device').ours['hop within']!.count).toBe(stages - 1);
        expect(item(stages, 'several devices').ours['hop between devices']!.count).toBe(stages - 1);
        for (const where of ['one device', 'several devices']) {
          expect(item(stages, where).ours.toHost!.count).toBe(item(1, 'one device').ours.toHost!.count);
        }
      }
    });

    test('without a C compiler our own copies are counted all the same, and of the provider’s it is said that they are not', () => {
      const { folder, rows, events } = runPart('copies', 'uncounted', { PATH: dirname(process.execPath) });
      expect(errorsIn(rows)).toEqual([]);
      const found = rows.flatMap(({ perItem, run }) => [perItem, run].filter((one) => one !== undefined));
      expect(found).toHaveLength(6);
      for (const sides of found) {
        expect(sides).toMatchObject({ provider: 'not counted: there is no C compiler (cc) here' });
      }
      const [counted, logged] = [readCopies(join(folder, 'copies.log')), loggedCopies(events)];
      const ours = (copies: readonly Omit<Copied, 'by'>[]) => tally(copies.filter(({ how }) => how !== 'copy'));
      expect(new Set(counted.map(({ by }) => by))).toEqual(new Set(['ours']));
      expect(ours(counted)).toEqual(ours(logged));
    });

    test('every way of copying that the provider knows is counted', () => {
      const provider = join(dirname(standIn.runtime), 'libonnxruntime_providers_cuda.so');
      const { stdout } = spawnSync('nm', ['-D', '--undefined-only', provider], {
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
      });
      const needed = [...stdout.matchAll(/ U (cudaMemcpy\w*)@/g)].map(([, name]) => name!);
      expect(needed).toContain('cudaMemcpyAsync');
      const source = readFileSync(join(import.meta.dirname, '../gpu/count-copies.c'), 'utf8');
      const hooked = [...source.matchAll(/^int (cudaMemcpy\w*)\(/gm)].map(([, name]) => name!);
      expect(hooked.sort()).toEqual(needed.sort());
    });

    test('every kind of session loads and runs in every type that it has', () => {
      const { rows } = runPart('sessions', 'sessions');
      expect(errorsIn(rows)).toEqual([]);
      const ran = rows.filter(({ name }) => name.endsWith(' runs')).map(({ name }) => name);
      const kinds = [
        ...['time', 'context', 'embed', 'prompt keys', 'slice', 'slice, left context used again', 'head'],
        ...['text encoder', 'decoder, first', 'decoder, steady'],
      ];
      const wanted = ['F32', 'F16', 'BF16'].flatMap((dtype) => kinds.map((kind) => `${kind} in ${dtype} runs`));
      expect(ran).toEqual(wanted.filter((name) => !/^decoder.* BF16/.test(name)));
    });

    test('the same bits are looked for on one device, and with as many stages on several; where nothing is computed no film holds', () => {
      const { rows, events } = runPart('films', 'films');
      expect(errorsIn(rows)).toEqual([]);
      expect(rows.filter(({ holds }) => holds !== false)).toEqual([]);
      const laid = rows.map(({ devices }) => new Set(devices as string[]).size);
      expect(new Set(laid)).toEqual(new Set([1, 2, 4]));
      const launched = new Set(events.filter(({ name }) => name === 'launch').map(({ device }) => device));
      expect([...launched].sort()).toEqual([0, 1, 2, 3]);
    });
  },
);
