import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { TensorIndex } from '../../runner/model/graph.ts';
import { sliceGraph } from '../../runner/model/layers.ts';
import { layerTensors } from '../../runner/model/tensor-names.ts';
import { elementCount } from '../../runner/tensor.ts';
import { configOf } from '../gpu/wide-layers.ts';
import { buildStandIn, standInEnvironment, standInObstacle } from './build.ts';
import { traffic } from './traffic.ts';

const scratch = mkdtempSync(join(tmpdir(), 'standin-cuda-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Gigabytes of one layer's memory-bound operations at 1.3B width, 18,720 tokens and as many of context as given. */
function gigabytes(form: 'plain' | 'fused', contextTokens: number): number {
  const config = configOf('Wan2.1-T2V-1.3B');
  const entries = [...layerTensors(config, 0)].map(([name, shape]) => {
    return [name, { dtype: 'BF16', shape, file: 'none', offset: 0, byteLength: 2 * elementCount(shape) }] as const;
  });
  const tensors: TensorIndex = new Map(entries);
  const slice = { attention: 'cuda', dtype: 'BF16', firstLayer: 0, endLayer: 1, contextTokens, form } as const;
  const lengths = { S: 18_720, R: contextTokens, 'S+R': 18_720 + contextTokens, L: 512 };
  return Object.values(traffic(sliceGraph(config, tensors, slice), lengths)).reduce((a, b) => a + b) / 1e9;
}

test.each([0, 6240])(
  'a fused layer moves less than a third of what a plain one does, %i tokens of context',
  (context) => {
    const [plain, fused] = [gigabytes('plain', context), gigabytes('fused', context)];
    expect(fused).toBeLessThan(plain / 3);
    expect(fused).toBeLessThan(3);
  },
);

const obstacle = standInObstacle();

test.skipIf(obstacle !== undefined)(
  `on the real provider the text encoder loads, and a layer launches this much (${obstacle ?? 'built here'})`,
  () => {
    const log = join(scratch, 'log');
    const env = { ...process.env, ...standInEnvironment(buildStandIn(), log) };
    const script = join(import.meta.dirname, 'run-graphs.ts');
    const { status, stderr } = spawnSync(process.execPath, [script, scratch, log], { env, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const found = readFileSync(log, 'utf8')
      .split('MARK ')
      .filter((run) => /^(plain|fused)/.test(run))
      .map((run) => ({ run: run.split('\n')[0], ...counted(run) }));
    expect(found).toEqual([
      { run: 'plain 0', launches: 36, products: 16, casts: 16, fromHost: 0, within: 0 },
      { run: 'plain 208', launches: 38, products: 16, casts: 16, fromHost: 8, within: 2 },
      { run: 'fused 0', launches: 21, products: 8, casts: 3, fromHost: 0, within: 0 },
      { run: 'fused 208', launches: 25, products: 8, casts: 3, fromHost: 0, within: 2 },
    ]);
  },
  600_000,
);

function counted(run: string) {
  const lines = run.split('\n');
  const count = (pattern: RegExp) => lines.filter((line) => pattern.test(line)).length;
  return {
    launches: count(/ launch /),
    products: count(/ product /),
    casts: count(/OP_Cast/),
    fromHost: count(/ copy -1 to 0 /),
    within: count(/ copy 0 to 0 /),
  };
}
