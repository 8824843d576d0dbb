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
  const input = goldenInput('t4-b3-c3', 1);
  const planned = { ...input.plan, precision: { ...input.plan.precision, sampling: 'float16' } } as const;
  expect(fingerprint(await runToEnd({ ...input, plan: planned }))).toBe(fingerprint(one));
  expect(fingerprint(one)).not.toBe(fingerprint(exact));
  const distance = Math.sqrt(exact.data.reduce((sum, x, i) => sum + (x - one.data[i]!) ** 2, 0) / exact.data.length);
  expect(distance).toBeLessThan(0.02);
});

const FILM = { frames: 61, blockLatents: 4 };

test.each([
  { steps: 6, stride: 2, contextLatents: 2 },
  { steps: 5, stride: 3, contextLatents: 4 },
  { steps: 2, stride: 5, contextLatents: 2 },
  { steps: 3, stride: 3, contextLatents: 0 },
])('a film of $steps steps at stride $stride has the bits of one thread on any number of stages', async (numbers) => {
  const films = [1, 2, 5].map((stages) => modelInput(tinyModel(), { stages, ...FILM, ...numbers }));
  const expected = fingerprint(sequentialFilm(films[0]!));
  for (const input of films) expect(fingerprint(await runToEnd(input))).toBe(expected);
});

test.each([
  { what: 'left context used again', steps: 6, stride: 1, contextLatents: 2, leftContext: 'reuse' },
  { what: 'the same, a stride of 3', steps: 7, stride: 3, contextLatents: 4, leftContext: 'reuse' },
  { what: 'the same, fewer steps than the stride', steps: 2, stride: 5, contextLatents: 2, leftContext: 'reuse' },
  { what: 'guidance in some steps', steps: 6, stride: 1, contextLatents: 2, guidanceInterval: { low: 0.3, high: 0.9 } },
  {
    what: 'both',
    steps: 6,
    stride: 2,
    contextLatents: 2,
    leftContext: 'reuse',
    guidanceInterval: { low: 0, high: 0.9 },
  },
] as const)('$what: the bits of one thread, on any number of stages, and another film than without', async (given) => {
  const { what: _, ...numbers } = given;
  const films = [1, 2, 5].map((stages) => modelInput(tinyModel(), { stages, ...FILM, ...numbers }));
  const expected = fingerprint(sequentialFilm(films[0]!));
  for (const input of films) expect(fingerprint(await runToEnd(input))).toBe(expected);
  const { steps, stride, contextLatents } = numbers;
  const plain = modelInput(tinyModel(), { stages: 1, ...FILM, steps, stride, contextLatents });
  expect(fingerprint(sequentialFilm(plain))).not.toBe(expected);
});

test.each([
  { what: 'the paper’s schedule', steps: 4, contextLatents: 2 },
  { what: 'a stride', steps: 6, stride: 3, contextLatents: 4 },
  { what: 'guidance in some steps', steps: 6, contextLatents: 2, guidanceInterval: { low: 0.3, high: 0.9 } },
  { what: 'left context used again', steps: 5, stride: 2, contextLatents: 2, leftContext: 'reuse' },
  { what: 'no context', steps: 3, contextLatents: 0 },
] as const)('guidance in parallel makes the same film, bit for bit: $what', async ({ what: _, ...numbers }) => {
  const expected = fingerprint(sequentialFilm(modelInput(tinyModel(), { stages: 1, ...FILM, ...numbers })));
  for (const stages of [2, 4, 10]) {
    const input = modelInput(tinyModel(), { stages, ...FILM, ...numbers, guidanceParallel: true });
    expect(fingerprint(await runToEnd(input)), `${stages} stages`).toBe(expected);
  }
});
