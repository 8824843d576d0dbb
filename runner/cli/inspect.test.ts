import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const GOLDEN = fileURLToPath(new URL('../../test/golden/data/', import.meta.url));
const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'inspect-cli-'));
afterAll(() => rmSync(scratch, { recursive: true }));

function inspect(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'inspect', ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

test('a model is described, with the bytes of each stage', () => {
  const { status, stdout, stderr } = inspect(`${GOLDEN}tiny-wan`, '--stages', '2');
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toContain(
    'transformer    WanTransformer3DModel: 150 tensors, 182,848 parameters, F32, 0.7 MB in 1 file',
  );
  expect(stdout).toMatch(/stage 0 +layers 0–2: .*\n +stage 1 +layers 3–4: /);
  expect(stdout).toContain('layers are divided by number here; `dualparal plan` divides a film’s by time');
});

test('as JSON, stages hold every layer once and the model is known by its classes', () => {
  const { status, stdout } = inspect(`${GOLDEN}tiny-wan`, '--json');
  const record = JSON.parse(stdout);
  expect(status).toBe(0);
  expect(record.classes).toEqual({
    pipeline: 'WanPipeline',
    transformer: 'WanTransformer3DModel',
    text_encoder: 'UMT5EncoderModel',
    vae: 'AutoencoderKLWan',
    scheduler: 'UniPCMultistepScheduler',
  });
  const totals = record.cuts.map((cut: { stages: number; slices: { weightBytes: number }[] }) => [
    cut.stages,
    cut.slices.reduce((sum, slice) => sum + slice.weightBytes, 0),
  ]);
  const [[, whole]] = totals;
  expect(totals).toEqual([1, 2, 4].map((stages) => [stages, whole]));
  expect([record.complete, record.parameters]).toEqual([true, 1_137_707]);
});

test('headers only: described, and said to be unable to run', () => {
  const folder = join(scratch, 'headers');
  cpSync(`${GOLDEN}tiny-wan`, folder, { recursive: true });
  const file = join(folder, 'vae/diffusion_pytorch_model.safetensors');
  truncateSync(file, 8 + Number(readFileSync(file).readBigUInt64LE(0)));
  const { status, stdout, stderr } = inspect(folder);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toContain('headers only: 1 of 3 weight files hold no data, so the model cannot run');
  expect(JSON.parse(inspect(folder, '--json').stdout).complete).toBe(false);
});

test('sums are compared when asked for', () => {
  const folder = join(scratch, 'sums');
  cpSync(`${GOLDEN}tiny-wan`, folder, { recursive: true });
  const command = `find . -type f ! -name sha256sums -exec sha256sum {} + > sha256sums`;
  expect(spawnSync('sh', ['-c', command], { cwd: folder }).status).toBe(0);
  const whole = inspect(folder, '--verify');
  expect([whole.status, whole.stderr]).toEqual([0, '']);
  expect(whole.stdout).toContain('checksums      every file is as sha256sums says');
  writeFileSync(join(folder, 'model_index.json'), `${readFileSync(join(folder, 'model_index.json'), 'utf8')} `);
  const changed = inspect(folder, '--verify', '--json');
  expect([changed.status, JSON.parse(changed.stdout).verified]).toEqual([40, false]);
  expect(changed.stderr).toMatch(/^E_MODEL_CHECKSUM: model_index\.json: its sha256 is /);
});

test.each([
  {
    name: 'something needed is missing',
    args: [`${GOLDEN}two-experts`],
    status: 40,
    error: /^E_MODEL_MISSING: transformer\/config\.json: the file is missing$/m,
  },
  {
    name: 'a tokenizer that is missing',
    args: [`${GOLDEN}two-experts`],
    status: 40,
    error: /^E_MODEL_MISSING: tokenizer\/tokenizer\.json: the file is missing$/m,
  },
  {
    name: 'no model at all',
    args: [GOLDEN],
    status: 40,
    error: /^E_MODEL_LAYOUT: model folder \S+: holds model folders, but is none; give the model folder itself: /m,
  },
  {
    name: 'no folder',
    args: [join(scratch, 'none')],
    status: 40,
    error: /^E_MODEL_FOLDER: model folder .* does not exist$/m,
  },
  {
    name: 'more stages than layers',
    args: [`${GOLDEN}tiny-wan`, '--stages', '6'],
    status: 30,
    error: /^E_PLAN_STAGES: /m,
  },
  {
    name: 'stages that are no number',
    args: [`${GOLDEN}tiny-wan`, '--stages', 'two'],
    status: 2,
    error: /^E_CLI_STAGES: /m,
  },
])('$name: a code, one line and an exit code', ({ args, status, error }) => {
  const run = inspect(...args);
  expect(run.status).toBe(status);
  expect(run.stderr).toMatch(error);
  expect(run.stderr).not.toMatch(/^ +at /m);
});
