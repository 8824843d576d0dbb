import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { rootCertificates } from 'node:tls';
import { afterAll, expect, test } from 'vitest';
import { writeJob } from './film-input.ts';
import { ROOT, readRecord, startFilm } from './film-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'dualparal-parent-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A parent over a film's process that ends in a way of its own. */
async function parentOf(way: string) {
  const program = `
    import { supervise } from ${JSON.stringify(join(ROOT, 'runner/cli/supervise.ts'))};
    await supervise(${JSON.stringify(join(import.meta.dirname, 'programs/odd-child.ts'))}, ['generate', ${JSON.stringify(way)}, '--json']);`;
  const file = join(folder, 'parent.mjs');
  writeFileSync(file, program);
  const parent = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  parent.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  const status = await new Promise((resolve) => parent.once('close', (code, signal) => resolve(code ?? signal)));
  const record = readRecord(stdout.trim());
  return [status, record?.error?.code, record?.framesReady, ...(record?.warnings ?? [])];
}

test.each([
  { way: 'over, then stuck', what: 'is ended, and its exit code stands', seen: [40, undefined, undefined] },
  { way: 'recorded, then crashed', what: 'has its result and its exit code', seen: [0, undefined, undefined] },
  { way: 'ended without a word', what: 'gets a result from its parent', seen: [1, 'E_ENDED', 0] },
  {
    ...{ way: 'crashed after a checkpoint', what: 'has said where it goes on' },
    seen: [60, 'E_CRASHED', 0, 'started again, it goes on after iteration 6 of 20'],
  },
  { way: 'crashed after its checkpoint was gone', what: 'goes on from nothing', seen: [60, 'E_CRASHED', 0] },
  { way: 'crashed at frame 9', what: 'has its frames counted', seen: [60, 'E_CRASHED', 9] },
])('a process that is $way $what', async ({ way, seen }) => expect(await parentOf(way)).toEqual(seen));

test('a stop after the film is done skips the last report, and is a success', async () => {
  // It takes connections and never answers.
  const operator = createServer(() => undefined);
  await new Promise<void>((resolve) => operator.listen(0, '127.0.0.1', resolve));
  const log = join(folder, 'termination-log');
  const ca = join(folder, 'ca.crt');
  writeFileSync(ca, rootCertificates[0] ?? '');
  writeFileSync(join(folder, 'token'), 'a-token');
  const film = startFilm(['run', '--job', writeJob(folder, 'film', join(folder, 'out'), { frames: 5, steps: 2 })], {
    cwd: folder,
    environment: {
      DUALPARAL_TERMINATION_LOG: log,
      DUALPARAL_PROGRESS_URL: `https://127.0.0.1:${(operator.address() as AddressInfo).port}/progress`,
      DUALPARAL_PROGRESS_TOKEN_FILE: join(folder, 'token'),
      DUALPARAL_PROGRESS_CA_FILE: ca,
    },
  });
  const recordOf = () => {
    try {
      return readRecord(readFileSync(log, 'utf8'));
    } catch {
      return undefined;
    }
  };
  while (recordOf() === undefined) await sleep(20);
  const sent = performance.now();
  film.kill('SIGTERM');
  const { status } = await film.ended;
  operator.close();
  expect([status, recordOf()?.outcome]).toEqual([0, 'succeeded']);
  // The last report alone would take five seconds.
  expect(performance.now() - sent).toBeLessThan(4000);
});
