import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runToEnd } from '../golden/run-case.ts';
import { fingerprint } from './fingerprint.ts';
import { goldenInput, modelInput, tinyModel } from './inputs.ts';
import { randomModel } from './random-model.ts';
import { sequentialFilm } from './sequential.ts';

const folder = mkdtempSync(join(tmpdir(), 'dualparal-same-bits-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Widths at which sums over unpacked weights are grouped by the number of threads. */
const SIZES = { layers: 3, heads: 4, headWidth: 32, feedForwardWidth: 512 };

test('neither the number of threads within a stage nor that of stages shows in the film of a wider model', async () => {
  const model = randomModel(folder, SIZES);
  const films = new Map<string, string>();
  for (const [stages, intraOpThreads] of [
    [1, 1],
    [1, 2],
    [1, 5],
    [2, 1],
    [3, 3],
  ] as const) {
    const input = modelInput(model, { stages, steps: 3, frames: 61, blockLatents: 4, contextLatents: 2 });
    const film = await runToEnd({ ...input, options: { intraOpThreads } });
    expect(film.data.every(Number.isFinite)).toBe(true);
    films.set(`${stages} stages × ${intraOpThreads} threads`, fingerprint(film));
  }
  expect(new Set(films.values()).size, JSON.stringify([...films], null, 1)).toBe(1);
});

test('half precision has bits of its own, near those of float32 and alike on any number of stages', async () => {
  const options = { dtype: 'F16' } as const;
  const [one, three, exact] = [
    await runToEnd({ ...goldenInput('t4-b3-c3', 1), options }),
    await runToEnd({ ...goldenInput('t4-b3-c3', 3), options }),
    await runToEnd(goldenInput('t4-b3-c3', 1)),
  ];
  expect(fingerprint(three)).toBe(fingerprint(one));
  expect(fingerprint(one)).not.toBe(fingerprint(exact));
  const distance = Math.sqrt(exact.data.reduce((sum, x, i) => sum + (x - one.data[i]!) ** 2, 0) / exact.data.length);
  expect(distance).toBeLessThan(0.02);
});

test.each([
  { steps: 6, stride: 2, contextLatents: 2 },
  { steps: 5, stride: 3, contextLatents: 4 },
  { steps: 2, stride: 5, contextLatents: 2 },
  { steps: 3, stride: 3, contextLatents: 0 },
])('a film of $steps steps at stride $stride has the bits of one thread on any number of stages', async (numbers) => {
  const films = [1, 2, 5].map((stages) => modelInput(tinyModel(), { stages, frames: 61, blockLatents: 4, ...numbers }));
  const expected = fingerprint(sequentialFilm(films[0]!));
  for (const input of films) expect(fingerprint(await runToEnd(input))).toBe(expected);
});
