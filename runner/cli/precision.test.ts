import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { EXITS } from '#contract/exit.ts';

const ROOT = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'dualparal-precision-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Precisions {
  readonly sampling?: string;
  readonly decoding?: string;
}

/** A command about a film of five small frames on the processor. */
function dualparal(verb: 'plan' | 'generate', { sampling, decoding }: Precisions, ...args: readonly string[]) {
  const spec = {
    prompt: 'a red circle',
    length: { frames: 5 },
    size: { width: 32, height: 32 },
    model: { ref: join(ROOT, 'test/golden/data/tiny-wan') },
    sampling: { steps: 2, precision: sampling },
    parallelism: { gpus: 2, blockLatents: 1, contextLatents: 1 },
    decoding: { precision: decoding },
  };
  const file = join(folder, 'film.json');
  const kind = { apiVersion: 'dualparal.io/v1alpha1', kind: 'VideoGeneration', metadata: { name: 'film' } };
  writeFileSync(file, JSON.stringify({ ...kind, spec }));
  const run = spawnSync(join(ROOT, 'bin/dualparal.mjs'), [verb, '-f', file, '--device', 'cpu', ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status: run.status, stdout: run.stdout, stderr: run.stderr };
}

const resultOf = ({ stdout }: { stdout: string }) => JSON.parse(stdout.trimEnd().split('\n').at(-1)!);

test('a film says in its result what it was computed in, and one of another format is not replaced unasked', () => {
  const first = resultOf(dualparal('generate', {}, '-o', 'out', '--json'));
  expect(first.film.precision).toEqual({ sampling: 'float32', decoding: 'float32' });
  const same = resultOf(dualparal('generate', { sampling: 'float32', decoding: 'float32' }, '-o', 'out', '--json'));
  expect(same.film.sha256).toBe(first.film.sha256);
  const halves = { sampling: 'float16', decoding: 'float16' };
  const refused = dualparal('generate', halves, '-o', 'out');
  expect(refused.stderr).toMatch(/E_OUTPUT_OTHER_FILM: .*sampling\.precision \("float32" there, "float16" here\)/);
  const half = resultOf(dualparal('generate', halves, '-o', 'half', '--json'));
  expect(half.film.precision).toEqual({ sampling: 'float16', decoding: 'float16' });
  expect(half.film.sha256).not.toBe(first.film.sha256);
  expect(half.warnings.join()).toMatch(/sampling\.precision float16 on the processor.*decoding\.precision float16/);
});

test('a plan says what would be computed in which format, as text and as JSON', () => {
  expect(dualparal('plan', {}).stdout).toContain('  computed in float32, decoded in float32\n');
  const { plan } = JSON.parse(dualparal('plan', { sampling: 'float16' }, '--json').stdout);
  expect(plan.precision).toEqual({ sampling: 'float16', decoding: 'float32' });
});

test.each(['plan', 'generate'] as const)('%s on the processor refuses bfloat16 before anything loads', (verb) => {
  const { status, stdout, stderr } = dualparal(
    verb,
    { sampling: 'bfloat16' },
    ...(verb === 'plan' ? [] : ['-o', 'no']),
  );
  expect(status).toBe(EXITS.plan.code);
  expect(stderr).toMatch(/^E_PLAN_PRECISION: sampling\.precision is bfloat16: cpu:0 cannot .*auto or float32/m);
  expect(stdout).not.toContain('Loading');
  expect(readdirSync(folder)).not.toContain('no');
});
