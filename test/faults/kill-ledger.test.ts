import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { jobSpecSchema } from '#contract/job-spec.ts';
import { checkpointRecordSchema, resumedFromSchema } from '#contract/progress.ts';
import { prepare } from '../../runner/prepare.ts';
import { writeJob } from './film-input.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dualparal-ledger-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const FILM = { frames: 401, steps: 14, every: '0s', stages: 2 };
const PROGRAM = join(import.meta.dirname, 'programs/counted-film.ts');
/** Block-steps after which the first attempts are killed; the last one makes the film. */
const KILLS = [200, 300, 0];
const MOST_OFF = 0.01;

const lineSchema = z.object({
  blockSteps: z.int(),
  resumedFrom: resumedFromSchema,
  checkpoint: checkpointRecordSchema.optional(),
  /** Block-steps that it has counted itself. */
  own: z.int(),
  items: z.array(z.int()),
});

/** The last that an attempt said of itself. */
function attempt(job: string, name: string, killAfter: number) {
  const log = join(scratch, name);
  const { signal, status, stderr } = spawnSync(process.execPath, [PROGRAM, job, log, String(killAfter)], {
    encoding: 'utf8',
  });
  expect([signal, status, stderr]).toEqual(killAfter > 0 ? ['SIGKILL', null, ''] : [null, 0, '']);
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  return lineSchema.parse(JSON.parse(lines.at(-1)!));
}

test('what killed attempts and the last one report to have computed is the film and what was lost, by the counters of every stage', {
  timeout: 120_000,
}, async () => {
  const job = writeJob(scratch, 'film', join(scratch, 'out'), FILM);
  const spec = jobSpecSchema.parse(JSON.parse(readFileSync(job, 'utf8')));
  const { plan } = await prepare(spec, {}, process.env);
  /** Block-steps of the film in its first iterations. */
  const stepsIn = (iterations: number) =>
    Array.from({ length: plan.blocks }, (_, block) =>
      Math.min(FILM.steps, Math.max(0, iterations - plan.stride * block)),
    ).reduce((sum, steps) => sum + steps, 0);

  const ends = KILLS.map((killAfter, index) => attempt(job, `attempt-${index}`, killAfter));
  const starts = ends.map(({ resumedFrom }) => stepsIn(resumedFrom.iteration));
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const computed = ends.map(({ blockSteps }, index) => blockSteps - starts[index]!);
  // A checkpoint that was told of is gone on with, or one that was written after it.
  for (const [index, { checkpoint }] of ends.slice(0, -1).entries()) {
    expect(ends[index + 1]!.resumedFrom.iteration).toBeGreaterThanOrEqual(checkpoint!.iteration);
  }
  expect(starts.at(-1)).toBeGreaterThan(0);
  const kept = [...starts.slice(1), plan.blockSteps].map((next, index) => next - starts[index]!);
  const lost = ends.slice(0, -1).map(({ blockSteps }, index) => blockSteps - starts[index + 1]!);
  expect(computed).toEqual(ends.map(({ own }) => own));
  expect(lost.every((steps) => steps >= 0)).toBe(true);
  expect(sum(kept)).toBe(plan.blockSteps);
  expect(sum(computed)).toBe(sum(kept) + sum(lost));
  for (let stage = 0; stage < FILM.stages; stage++) {
    const counted = sum(ends.map(({ items }, index) => items[stage]! - starts[index]!));
    expect(Math.abs(counted - sum(kept) - sum(lost)) / counted, `stage ${stage}`).toBeLessThanOrEqual(MOST_OFF);
  }
});
