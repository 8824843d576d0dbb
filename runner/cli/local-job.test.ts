import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CodedError } from '#contract/error.ts';
import { localJob } from './local-job.ts';

const folder = mkdtempSync(join(tmpdir(), 'dualparal-local-job-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Devices of the film that `--stages` makes of a manifest, or the text of the refusal. */
function gpusWith(stages: string | undefined, parallelism: string): number | string {
  const file = join(folder, 'film.yaml');
  const spec = `{prompt: a circle, length: {frames: 9}, model: {ref: tiny}, parallelism: ${parallelism}}`;
  const head = 'apiVersion: dualparal.io/v1alpha1\nkind: VideoGeneration\nmetadata: {name: a-case}\n';
  writeFileSync(file, `${head}spec: ${spec}\n`);
  try {
    return localJob({ file, ...(stages === undefined ? {} : { stages }) }).spec.parallelism.gpus;
  } catch (error) {
    if (error instanceof CodedError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

const SHARED = '{gpus: 2, guidanceParallel: true}';
const odd = (stages: number) =>
  `E_CLI_STAGES_FIT: --stages ${stages}, in place of spec.parallelism.gpus, does not fit this film: ` +
  `must be even with guidanceParallel: each branch has half of the devices, found ${stages}`;

describe('--stages takes the place of gpus, under the same rules:', () => {
  it.each([
    [undefined, SHARED, 2],
    ['4', SHARED, 4],
    ['1', SHARED, odd(1)],
    ['3', SHARED, odd(3)],
    ['3', '{gpus: 2}', 3],
    ['65', '{gpus: 2}', 'E_CLI_STAGES: --stages must be a whole number from 1 to 64, found 65'],
  ])('%s over %s', (stages, parallelism, wanted) => {
    expect(gpusWith(stages, parallelism)).toBe(wanted);
  });

  it('a manifest that is wrong by itself stays wrong, as it is for a cluster', () => {
    expect(gpusWith('2', '{gpus: 3, guidanceParallel: true}')).toMatch(/^E_MANIFEST_FIELDS: .*must be even/);
  });
});
