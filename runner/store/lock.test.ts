import { spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Claim } from './claim.ts';
import { folderStore } from './folder.ts';
import { takeLock } from './lock.ts';
import { thisProcess } from './owner.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dualparal-lock-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const lockOf = (film: string, warn?: (text: string) => void) =>
  takeLock(folderStore(folder), { film, of: { film }, warn });

/** A claim as another run would have left it, `seconds` ago. */
function leaveClaim(number: number, changes: Partial<Claim>, seconds = 0): Claim {
  const claim: Claim = {
    ...thisProcess(),
    attempt: '00000000000000aa',
    film: 'other',
    startedAt: '2026-01-01T00:00:00.000Z',
    of: {},
    ...changes,
  };
  const path = join(folder, `running-${number}.json`);
  writeFileSync(path, JSON.stringify(claim));
  const then = Date.now() / 1000 - seconds;
  utimesSync(path, then, then);
  return claim;
}

/** Number of a process that has ended. */
async function endedPid(): Promise<number> {
  const child = spawn('true');
  await new Promise((resolve) => child.once('close', resolve));
  return child.pid as number;
}

describe('a folder that a run holds', () => {
  it('is refused to every other run, which is told who holds it, and free again afterwards', async () => {
    const lock = await lockOf('first');
    await expect(lockOf('second')).rejects.toMatchObject({
      code: 'E_STORE_BUSY',
      exit: 'output',
      message: expect.stringMatching(
        new RegExp(
          `^process ${process.pid} on .* \\(film 'first', since .*\\) is making a film in ${folder}; give another`,
        ),
      ),
    });
    await lock.check();
    await lock.release();
    expect(readdirSync(folder)).toEqual([]);
    await (await lockOf('second')).release();
  });

  it('goes to one of many who want it at the same time', async () => {
    const tries = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => lockOf(`film ${i}`)));
    const held = tries.filter(({ status }) => status === 'fulfilled');
    expect(held).toHaveLength(1);
    const refused = tries.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
    expect(new Set(refused)).toEqual(new Set(['E_STORE_BUSY']));
  });

  it('goes to one of many who find a dead run there', async () => {
    leaveClaim(1, { pid: await endedPid() });
    const tries = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => lockOf(`film ${i}`)));
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('is lost when another run took over or somebody removed the claim, and then nothing is written there', async () => {
    const lock = await takeLock(folderStore(folder), { film: 'x', of: {}, beatSeconds: 0.05 });
    leaveClaim(2, {});
    await expect(lock.check()).rejects.toMatchObject({ code: 'E_STORE_LOST' });
    rmSync(join(folder, 'running-2.json'));
    rmSync(join(folder, 'running-1.json'));
    await expect(lock.check()).rejects.toMatchObject({ code: 'E_STORE_LOST' });
    await new Promise((resolve) => setTimeout(resolve, 200));
    await lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('gives signs of life', async () => {
    const lock = await takeLock(folderStore(folder), { film: 'x', of: {}, beatSeconds: 0.05 });
    const path = join(folder, 'running-1.json');
    utimesSync(path, 1, 1);
    await expect.poll(() => folderStore(folder).age('running-1.json')).toBeLessThan(5000);
    await lock.release();
  });
});

describe('a claim that a run left', () => {
  it.each([
    { name: 'its process has ended', changes: async () => ({ pid: await endedPid() }), seconds: 0 },
    { name: 'its number belongs to a later process', changes: async () => ({ began: '1' }), seconds: 0 },
    { name: 'it said that it has ended', changes: async () => ({ place: 'elsewhere', ended: true }), seconds: 0 },
    { name: 'it is of another machine, without a sign of life', changes: async () => ({ place: 'x' }), seconds: 130 },
  ])('binds nobody when $name', async ({ changes, seconds }) => {
    const left = leaveClaim(1, await changes(), seconds);
    const lock = await lockOf('next');
    expect(lock.dead).toEqual([left]);
    await lock.forget(lock.dead);
    await lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of another machine is watched: a sign of life refuses the next run, which was told why it waits', async () => {
    leaveClaim(1, { place: 'elsewhere', host: 'pod-7' }, 60);
    const told: string[] = [];
    const taking = lockOf('next', (text) => told.push(text));
    setTimeout(() => leaveClaim(1, { place: 'elsewhere', host: 'pod-7' }), 300);
    await expect(taking).rejects.toMatchObject({
      code: 'E_STORE_BUSY',
      message: expect.stringMatching(/on pod-7 .*\(120 s after its last sign of life it counts as dead\)/),
    });
    expect(told).toEqual([expect.stringMatching(/process \d+ on pod-7 .*waiting up to \d+ s for a sign of life/)]);
  });

  it('of another machine is taken over once its time has passed', async () => {
    leaveClaim(1, { place: 'elsewhere' }, 119);
    await (await lockOf('next')).release();
  });

  it('that is empty belonged to a run that died at once', async () => {
    leaveClaim(1, {}, 130);
    writeFileSync(join(folder, 'running-1.json'), '');
    utimesSync(join(folder, 'running-1.json'), 1, 1);
    const lock = await lockOf('next');
    await lock.forget(lock.dead);
    await lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    { name: 'a text of somebody else', make: (path: string) => writeFileSync(path, 'my notes') },
    { name: 'a folder', make: (path: string) => mkdirSync(path) },
    {
      name: 'far too large for one',
      make: (path: string) => {
        writeFileSync(path, '{}');
        truncateSync(path, 2 ** 33);
      },
    },
  ])('is not touched when it is $name', async ({ make }) => {
    const path = join(folder, 'running-1.json');
    make(path);
    await expect(lockOf('next')).rejects.toMatchObject({
      code: 'E_STORE_STRANGE',
      message: expect.stringContaining(path),
    });
    expect(readdirSync(folder)).toEqual(['running-1.json']);
  });

  it('stays when a run leaves something behind, and says so', async () => {
    const lock = await lockOf('first');
    await lock.release(true);
    expect(JSON.parse(readFileSync(join(folder, 'running-1.json'), 'utf8'))).toMatchObject({
      film: 'first',
      ended: true,
    });
    const next = await lockOf('second');
    expect(next.dead).toMatchObject([{ film: 'first', of: { film: 'first' } }]);
    await next.release();
  });
});
