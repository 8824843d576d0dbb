import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { killsAtRandomMoments } from './kills.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dualparal-kills-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** More, at other moments: `npm run faults -- kill --times 200 --seed 7`. */
const KILLS = 20;

test(`${KILLS} kills at random moments, each gone on with on another number of stages, leave the same latents and the same mp4`, {
  timeout: 600_000,
}, async () => {
  const { failures, seen, done } = await killsAtRandomMoments(scratch, KILLS, 20_261_127);
  expect(failures).toEqual([]);
  expect(done).toBe(KILLS);
  expect(seen['gone on with']).toBeGreaterThan(0);
});
