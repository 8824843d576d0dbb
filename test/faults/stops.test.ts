import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { stopAtRandomMoments } from './stops.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dualparal-stops-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** More, at other moments: `npm run faults -- --stops 200 --seed 7`. */
const STOPS = 12;

test(`${STOPS} stops at random moments each end with their code, a record, and nothing left behind`, {
  timeout: 300_000,
}, async () => {
  const { failures, seen } = await stopAtRandomMoments({ scratch, stops: STOPS, seed: 20_260_101 });
  // On a machine that is busy with other tests a stop may take longer: `npm run faults` measures that.
  expect(failures.filter((failure) => !/took \d+ ms$/.test(failure))).toEqual([]);
  expect(seen.stopped).toBeGreaterThan(0);
});
