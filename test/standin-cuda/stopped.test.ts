import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { buildStandIn, standInEnvironment, standInObstacle } from './build.ts';
import { partOf } from './log.ts';

const scratch = mkdtempSync(join(tmpdir(), 'standin-stopped-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const obstacle = standInObstacle();

describe.skipIf(obstacle !== undefined)(`runs on CUDA that computes nothing (${obstacle ?? 'built here'})`, () => {
  test('that were stopped, or refused what they were to go on with, give their memory back to the next one', () => {
    const path = join(scratch, 'log');
    const { stdout, status } = spawnSync(process.execPath, [join(import.meta.dirname, 'make-runs.ts'), path], {
      env: { ...process.env, ...standInEnvironment(buildStandIn(), path) },
      encoding: 'utf8',
      timeout: 110_000,
    });
    expect([status, stdout]).toEqual([0, 'refused: damaged\n']);
    const log = readFileSync(path, 'utf8');
    /** The most that a device held in a part. */
    const peak = (part: string, device: number) =>
      Math.max(
        ...partOf(log, part)
          .filter((event) => event.name === 'allocate' && event.device === device)
          .map(({ words }) => Number(words[2])),
      );
    for (const device of [0, 1]) {
      const whole = peak('whole', device);
      expect(whole).toBeGreaterThan(1_000_000);
      // Pieces of memory may be cut in another way; what a run holds is half as much again, and more.
      for (const part of ['stopped', 'again']) expect(peak(part, device)).toBeLessThan(1.1 * whole);
    }
  }, 600_000);
});
