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
import { unaccounted } from './launches.ts';
import { copiesIn, eventsIn, type LoggedEvent } from './log.ts';
import { type LayerRun, layerRuns } from './run-graphs.ts';
import { traffic } from './traffic.ts';

const scratch = mkdtempSync(join(tmpdir(), 'standin-cuda-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** The graph of one layer at 1.3B width. */
function layerOf({ form, contextTokens, reusesLeft }: LayerRun) {
  const config = configOf('Wan2.1-T2V-1.3B');
  const entries = [...layerTensors(config, 0)].map(([name, shape]) => {
    return [name, { dtype: 'BF16', shape, file: 'none', offset: 0, byteLength: 2 * elementCount(shape) }] as const;
  });
  const tensors: TensorIndex = new Map(entries);
  const slice = {
    attention: 'cuda',
    dtype: 'BF16',
    firstLayer: 0,
    endLayer: 1,
    contextTokens,
    form,
    reusesLeft,
  } as const;
  return sliceGraph(config, tensors, slice);
}

/** Lengths of its axes over a window of so many tokens, those of the left context included. */
function lengthsOf({ contextTokens: R, reusesLeft }: LayerRun, tokens: number) {
  const P = reusesLeft ? R : 0;
  return { S: tokens - P, P, R, L: 512 };
}

/** Gigabytes of its memory-bound operations over 18,720 tokens. */
function gigabytes(run: LayerRun): number {
  return Object.values(traffic(layerOf(run), lengthsOf(run, 18_720))).reduce((a, b) => a + b) / 1e9;
}

test.each([
  { contextTokens: 0, reusesLeft: false, share: 0.3, most: 2.4 },
  { contextTokens: 6240, reusesLeft: false, share: 0.33, most: 2.9 },
  { contextTokens: 6240, reusesLeft: true, share: 0.35, most: 2.25 },
])(
  'a fused layer moves less than $share of what a plain one does: $contextTokens tokens of context, the left one used again: $reusesLeft',
  ({ share, most, ...context }) => {
    const [plain, fused] = [gigabytes({ form: 'plain', ...context }), gigabytes({ form: 'fused', ...context })];
    expect(fused).toBeLessThan(share * plain);
    expect(fused).toBeLessThan(most);
  },
);

const obstacle = standInObstacle();

test.skipIf(obstacle !== undefined)(
  `on the real provider the text encoder loads, and a layer launches this much, all of it for an operation of its graph (${obstacle ?? 'built here'})`,
  () => {
    const log = join(scratch, 'log');
    const env = { ...process.env, ...standInEnvironment(buildStandIn(), log) };
    const script = join(import.meta.dirname, 'run-graphs.ts');
    const { status, stderr } = spawnSync(process.execPath, [script, scratch, log], { env, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const parts = readFileSync(log, 'utf8').split('MARK layer\n').slice(1);
    const runs = layerRuns.map((run, index) => ({ run, events: eventsIn(parts[index]!.split('MARK end\n')[0]!) }));
    expect(runs.map(({ run, events }) => ({ ...run, ...counted(events) }))).toEqual([
      { ...layerRuns[0], launches: 36, products: 16, casts: 16, fromHost: 0, within: 0 },
      { ...layerRuns[1], launches: 38, products: 16, casts: 16, fromHost: 8, within: 2 },
      { ...layerRuns[2], launches: 38, products: 16, casts: 16, fromHost: 8, within: 4 },
      { ...layerRuns[3], launches: 21, products: 8, casts: 3, fromHost: 0, within: 0 },
      { ...layerRuns[4], launches: 25, products: 8, casts: 3, fromHost: 0, within: 2 },
      { ...layerRuns[5], launches: 27, products: 8, casts: 3, fromHost: 0, within: 4 },
    ]);
    for (const { run, events } of runs) {
      expect(unaccounted(layerOf(run), lengthsOf(run, 624), events)).toEqual({ done: [], notDone: [] });
    }
  },
  600_000,
);

function counted(events: readonly LoggedEvent[]) {
  const named = (name: string) => events.filter((event) => event.name === name);
  const copies = copiesIn(events);
  return {
    launches: named('launch').length,
    products: named('product').length,
    casts: named('launch').filter(({ words }) => words[0]!.includes('OP_Cast')).length,
    fromHost: copies.filter(({ from }) => from === 'host').length,
    within: copies.filter(({ from, to }) => from !== 'host' && from === to).length,
  };
}
