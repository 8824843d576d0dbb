import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildStandIn, type StandIn, standInEnvironment, standInObstacle } from './build.ts';
import type { FilmEnd, FilmTask } from './make-film.ts';

const scratch = mkdtempSync(join(tmpdir(), 'standin-failures-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const obstacle = standInObstacle();

const FILM = { stages: 4, steps: 3, dtype: 'F32' } as const satisfies FilmTask;

describe.skipIf(obstacle !== undefined)(`CUDA that fails (${obstacle ?? 'a stand-in, built here'})`, () => {
  let standIn: StandIn;
  beforeAll(() => {
    standIn = buildStandIn();
  }, 600_000);

  /** How a film ends that is made in a process of its own. */
  async function errorOf(task: FilmTask, fault: Readonly<Record<string, string>>): Promise<FilmEnd['error']> {
    const log = join(scratch, JSON.stringify(fault).replaceAll(/\W/g, '-'));
    const env = { ...process.env, ...standInEnvironment(standIn, log), ...fault };
    const script = join(import.meta.dirname, 'make-film.ts');
    const film = spawn(process.execPath, [script, JSON.stringify(task)], { env, timeout: 110_000 });
    const texts = [film.stdout, film.stderr].map(async (stream) =>
      (await stream.setEncoding('utf8').toArray()).join(''),
    );
    const [stdout, stderr] = (await Promise.all(texts)) as [string, string];
    const end: FilmEnd = JSON.parse(stdout.trim().split('\n').at(-1) || JSON.stringify({ shape: [], error: stderr }));
    return end.error;
  }

  // Launches of a device until it goes: with 4 stages device 0 has 56 for the text, and each has 700 to 2,300 in all.
  test.concurrent.each([
    { when: 'while the text is encoded', lost: '0:20', stage: undefined },
    { when: 'at the first stage, by its first product', lost: '0:56', stage: 0 },
    { when: 'at its third launch', lost: '1:2', stage: 1 },
    { when: 'in an item, by the launch of a kernel', lost: '2:300', stage: 2 },
    { when: 'in an item, by a wait', lost: '1:500', stage: 1 },
    { when: 'while samples are made', lost: '3:300', stage: 3 },
    { when: 'in the middle of the film', lost: '0:900', stage: 0 },
    { when: 'at the last item', lost: '3:1700', stage: 3 },
    { when: 'in bfloat16, at a hop', lost: '1:700', stage: 1, dtype: 'BF16' },
    { when: 'in bfloat16, late', lost: '2:1300', stage: 2, dtype: 'BF16' },
    { when: 'in float16 with guidance in parallel', lost: '3:260', stage: 3, dtype: 'F16', guidanceParallel: true },
    { when: 'on the only device', lost: '0:600', stage: 0, stages: 1 },
  ] as const)('a device that goes away $when ends the film with its error and what it was at', async (point) => {
    const { when, lost, stage, ...task } = point;
    const error = await errorOf({ ...FILM, ...task }, { STANDIN_CUDA_LOST: lost });
    expect(error).toMatchObject({ code: 'E_DEVICE_LOST', exit: 'device' });
    const device = `cuda:${lost.split(':')[0]}`;
    const where = stage === undefined ? 'the text encoder: ' : `stage ${stage} \\(layers \\d+–\\d+ on ${device}\\): `;
    expect(error!.message).toMatch(new RegExp(`^${where}${device} stopped working while `));
  });

  test('a device of which cuBLAS says only that a product failed is asked by itself, and says that it is lost', async () => {
    const error = await errorOf(FILM, { STANDIN_CUDA_LOST: '1:0' });
    expect(error!.message).toMatch(/CUBLAS failure 13: .*asked by itself, the device says: CUDA failure 719: /);
  });

  // Bytes that a device has given when the next allocation never returns.
  test.concurrent.each([
    { hangs: '0:0', device: 'cuda:0', what: 'the very first one' },
    { hangs: '1:0', device: 'cuda:1', what: 'the first one of another device' },
    { hangs: '2:100000', device: 'cuda:2', what: 'one while it loads' },
  ])('an allocation that never returns ends the film with the name of its device: $what', async ({ hangs, device }) => {
    const error = await errorOf(FILM, { STANDIN_CUDA_HANG: hangs, DUALPARAL_PATIENCE_SECONDS: '4' });
    expect(error).toMatchObject({ code: expect.stringMatching(/^E_(DEVICE|PIPELINE_LOAD)_HUNG$/), exit: 'device' });
    expect(error!.message).toMatch(new RegExp(`\\b${device}\\b.* was given up`));
  });

  test.concurrent.each([
    { what: 'cuBLAS that finds no memory for a product', fault: '1:cublas:20:3', code: 'E_DEVICE_MEMORY' },
    { what: 'cuBLAS that finds no memory for itself', fault: '1:cublasCreate:0:3', code: 'E_DEVICE_MEMORY' },
    { what: 'cuBLAS that fails on a device that works', fault: '1:cublas:20:13', code: 'E_DEVICE_RUNTIME' },
  ])('$what ends the film with $code', async ({ fault, code }) => {
    const error = await errorOf(FILM, { STANDIN_CUDA_FAIL: fault });
    expect(error).toMatchObject({ code });
    expect(error!.message).toMatch(/^stage 1 \(layers 3–3 on cuda:1\): /);
  });
});
