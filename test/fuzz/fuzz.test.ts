import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, test } from 'vitest';
import { openModel } from '../../runner/weights/open-model.ts';
import type { FuzzReport } from './fuzz.ts';
import { microModel } from './micro-model.ts';
import { damagedFile } from './mutations.ts';
import { findLie } from './oracle.ts';

/** More, or others, with `DUALPARAL_FUZZ_RUNS` and `DUALPARAL_FUZZ_SEED`; without an end: `node test/fuzz/fuzz.ts --endless`. */
const RUNS = Number(process.env.DUALPARAL_FUZZ_RUNS ?? 5000);
const SEED = Number(process.env.DUALPARAL_FUZZ_SEED ?? 20_260_101);
/** Between two lines of progress: a model that takes this long hangs. */
const HANGS_AFTER_MILLISECONDS = 120_000;

const scratch = mkdtempSync(join(tmpdir(), 'fuzz-test-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Runs the fuzzer in a process of its own, so that neither a crash nor a hang takes this one along. */
async function fuzz(runs: number, seed: number): Promise<FuzzReport> {
  const program = join(import.meta.dirname, 'fuzz.ts');
  const child = spawn(process.execPath, [program, '--runs', String(runs), '--seed', String(seed)]);
  const exit = Promise.withResolvers<string>();
  child.once('close', (code, signal) => exit.resolve(signal ?? String(code)));
  const said: string[] = [];
  const hang = () => {
    said.push('no sign of life');
    child.kill('SIGKILL');
  };
  let watch = setTimeout(hang, HANGS_AFTER_MILLISECONDS);
  createInterface(child.stderr).on('line', (line) => {
    said.push(line);
    clearTimeout(watch);
    watch = setTimeout(hang, HANGS_AFTER_MILLISECONDS);
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const end = await exit.promise;
  clearTimeout(watch);
  if (end !== '0') throw new Error(`the fuzzer ended with ${end} (seed ${seed}): ${said.join('\n')}`);
  return JSON.parse(output);
}

const REFUSALS = [
  'E_MODEL_CONFIG',
  'E_MODEL_FILE',
  'E_MODEL_FORMAT',
  'E_MODEL_INCOMPLETE',
  'E_MODEL_LINK',
  'E_MODEL_MISSING',
  'E_MODEL_PAGE',
  'E_MODEL_POINTER',
  'E_MODEL_UNSUPPORTED',
  'E_TOKENIZER_FILE',
  'E_TOKENIZER_UNSUPPORTED',
  'E_WEIGHTS_HEADER',
  'E_WEIGHTS_INDEX',
  'E_WEIGHTS_MISSING',
  'E_WEIGHTS_SHAPE',
  'E_WEIGHTS_SURPLUS',
  'E_WEIGHTS_TRUNCATED',
];

/** Refusals of damage that chance seldom does. */
const RARE = ['E_MODEL_LAYOUT', 'E_TOKENIZER_VOCABULARY', 'E_WEIGHTS_NAMED', 'E_WEIGHTS_QUANTIZED'];

test(`${RUNS} damaged models are refused by a code or are what their files say`, { timeout: 1_200_000 }, async () => {
  const { runs, outcomes } = await fuzz(RUNS, SEED);
  expect(runs).toBe(RUNS);
  const known = [...REFUSALS, 'accepted'];
  expect(Object.keys(outcomes).filter((outcome) => ![...known, ...RARE].includes(outcome))).toEqual([]);
  // Damage of every kind was done: all but the rarest refusal were met.
  expect(known.filter((outcome) => outcomes[outcome] !== undefined).length).toBeGreaterThanOrEqual(known.length - 1);
  expect(outcomes.accepted).toBeLessThan(RUNS / 3);
});

/** The micro model, whole, in a folder. */
function writeModel(): string {
  const folder = mkdtempSync(join(scratch, 'model-'));
  const model = microModel();
  for (const file of [...Object.keys(model.json), ...Object.keys(model.weights)]) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    const whole = { file, tree: [], repacked: null, bytes: [], prefix: 0, data: 0 };
    const { bytes, length } = damagedFile(model, whole);
    writeFileSync(join(folder, file), bytes);
    truncateSync(join(folder, file), length);
  }
  return folder;
}

const TENSOR = 'blocks.1.attn2.to_q.weight';

test.each([
  { name: 'a wrong shape', change: { shape: [144] }, lie: /to_q\.weight is \[144\], truly \[12,12\]/ },
  { name: 'a wrong place', change: { offset: 8 }, lie: /is read as F32,8,584, the file says F32,\d+/ },
  { name: 'a wrong type', change: { dtype: 'F16' as const }, lie: /has 576 bytes, its shape needs 288/ },
])('the check of accepted models finds $name', ({ change, lie }) => {
  const folder = writeModel();
  const model = openModel(folder);
  expect(findLie(folder, model, microModel())).toBeUndefined();
  const tensors = new Map(model.transformer.tensors);
  tensors.set(TENSOR, { ...tensors.get(TENSOR)!, ...change });
  const changed = { ...model, transformer: { ...model.transformer, tensors } };
  expect(findLie(folder, changed, microModel())).toMatch(lie);
});

test('the check of accepted models finds a number that no config has', () => {
  const folder = writeModel();
  const model = openModel(folder);
  const config = { ...model.config, boundaryRatio: 0.9 };
  expect(findLie(folder, { ...model, config }, microModel())).toBe("a config's 0.875 is read as 0.9");
});
