import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { wideModel } from '../build/wide-model.ts';
import { buildStandIn, standInEnvironment, standInObstacle } from './build.ts';
import { eventsIn } from './log.ts';

const scratch = mkdtempSync(join(tmpdir(), 'planned-memory-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Most bytes that were allocated on each device at once, by the stand-in's log. */
function peaks(log: string): readonly number[] {
  const most: number[] = [];
  for (const { name, device, words } of eventsIn(log)) {
    if (name === 'allocate') most[device] = Math.max(most[device] ?? 0, Number(words[2]));
  }
  return most;
}

const obstacle = standInObstacle();

test.skipIf(obstacle !== undefined).each([
  { what: 'the tiny model at 512 × 512', layers: 0, stages: 4, pixels: 512, left: 'recompute' },
  { what: 'layers of 1.3B width', layers: 4, stages: 2, pixels: 256, left: 'recompute' },
  { what: 'the tiny model at 512 × 512, left context used again', layers: 0, stages: 4, pixels: 512, left: 'reuse' },
  { what: 'layers of 1.3B width, left context used again', layers: 4, stages: 2, pixels: 256, left: 'reuse' },
])(
  'the plan says what each device holds, from 5 % less to 25 % more: $what (a stand-in for CUDA, built here)',
  ({ layers, stages, pixels, left }) => {
    const tiny = join(import.meta.dirname, '../../models/tiny');
    const model = layers === 0 ? tiny : join(scratch, 'wide');
    if (layers > 0 && !existsSync(model)) wideModel(tiny, model, layers);
    const log = join(scratch, `log-${layers}-${left}`);
    const env = { ...process.env, ...standInEnvironment(buildStandIn(), log) };
    const words = [join(import.meta.dirname, 'run-pipeline.ts'), model, String(stages), String(pixels), left];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { env, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    const planned = JSON.parse(stdout) as readonly number[];
    const measured = peaks(readFileSync(log, 'utf8'));
    expect(measured).toHaveLength(stages);
    for (const [device, bytes] of measured.entries()) {
      const ratio = planned[device]! / bytes;
      expect(ratio, `device ${device}: ${planned[device]} planned, ${bytes} measured`).toBeGreaterThanOrEqual(0.95);
      expect(ratio, `device ${device}: ${planned[device]} planned, ${bytes} measured`).toBeLessThanOrEqual(1.25);
    }
  },
);
