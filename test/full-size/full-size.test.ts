import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { contextGraph, timeGraph } from '../../runner/model/condition.ts';
import { embedGraph } from '../../runner/model/embed.ts';
import type { Graph } from '../../runner/model/graph.ts';
import { headGraph } from '../../runner/model/head.ts';
import { crossKvGraph, sliceGraph } from '../../runner/model/layers.ts';
import { sliceLayers } from '../../runner/plan/slices.ts';
import { inspectModel } from '../../runner/weights/inspect-model.ts';
import { openModel } from '../../runner/weights/open-model.ts';
import type { LoadReport, LoadTask } from './load-stages.ts';
import type { PublishedModel } from './published-configs.ts';
import { writePublishedModel } from './published-model.ts';

/** Memory that the runtime takes whatever the model: its threads, allocators and graphs. */
const BESIDES_BYTES = 128 * 2 ** 20;
const STAGES = [1, 2, 4, 8];
const MODELS = ['Wan2.1-T2V-1.3B', 'Wan2.1-T2V-14B', 'Wan2.2-T2V-A14B'] as const;

const scratch = mkdtempSync(join(tmpdir(), 'full-size-'));
afterAll(() => rmSync(scratch, { recursive: true }));
for (const model of MODELS) writePublishedModel(join(scratch, model), model);

/** Counts of the published checkpoints, as their own libraries report them (docs/wan.md#sizes). */
const SMALL = ['transformer', 825, 1_418_996_800];
const LARGE = [1095, 14_288_491_584];
const OTHERS = [
  ['text_encoder', 242, 5_680_910_336],
  ['vae', 194, 126_892_531],
];
const COUNTS = {
  'Wan2.1-T2V-1.3B': [SMALL, ...OTHERS],
  'Wan2.1-T2V-14B': [['transformer', ...LARGE], ...OTHERS],
  'Wan2.2-T2V-A14B': [['transformer', ...LARGE], ['transformer_2', ...LARGE], ...OTHERS],
};

test.each(MODELS)('%s has the tensors and parameters of the published checkpoint', (model) => {
  const { name, components, problems } = inspectModel(join(scratch, model));
  expect(problems).toEqual([]);
  expect(name).toBe(model);
  expect(components.map(({ folder, tensors, parameters }) => [folder, tensors.size, parameters])).toEqual(
    COUNTS[model],
  );
});

const compute = { attention: 'cpu', dtype: 'F32' } as const;
/** 480p: 12 latents, of which 4 are context. */
const WINDOW = { frames: 12, height: 60, width: 104 };
const CONTEXT_TOKENS = 4 * 1560;

test.each(MODELS.flatMap((model) => STAGES.map((stages) => ({ model, stages }))))(
  'graphs of $model for $stages stages read every tensor once',
  ({ model, stages }) => {
    const { config, transformer, transformer2 } = openModel(join(scratch, model));
    for (const { tensors, byteLength } of [transformer, transformer2].filter((expert) => expert !== null)) {
      const { layers } = config.transformer;
      const graphs: Graph[] = [
        timeGraph(config.transformer, tensors),
        contextGraph(config.transformer, tensors, compute),
        embedGraph(config.transformer, tensors, WINDOW, compute),
        ...sliceLayers(layers, stages).flatMap((slice) => [
          sliceGraph(config.transformer, tensors, { ...compute, ...slice, contextTokens: CONTEXT_TOKENS }),
          crossKvGraph(config.transformer, tensors, { ...compute, ...slice }),
        ]),
        headGraph(config.transformer, tensors, WINDOW, compute),
      ];
      expect(graphs.flatMap(({ weights }) => weights).sort()).toEqual([...tensors.keys()].sort());
      const weightBytes = graphs.reduce((sum, graph) => sum + graph.weightBytes, 0);
      const headers = byteLength - weightBytes;
      expect(headers).toBeGreaterThan(0);
      expect(headers).toBeLessThan(1_000_000);
      // The graphs themselves hold no weights.
      for (const { bytes } of graphs) expect(bytes.byteLength).toBeLessThan(10_000 * layers);
    }
  },
);

/** Loads parts of a model in a process of its own. */
function load(model: PublishedModel, task: Omit<LoadTask, 'folder' | 'dtype'>): readonly LoadReport[] {
  const program = join(import.meta.dirname, 'load-stages.ts');
  const argument = JSON.stringify({ folder: join(scratch, model), dtype: 'F32', ...task } satisfies LoadTask);
  const child = spawnSync(process.execPath, [program, argument], { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(`loading ${argument} failed: ${child.stderr}`);
  return JSON.parse(child.stdout);
}

const onLinux = test.skipIf(process.platform !== 'linux');

onLinux.each(MODELS.flatMap((model) => STAGES.map((stages) => ({ model, stages }))))(
  'each of $stages stages of $model maps its own layers, and holds none of them',
  ({ model, stages }) => {
    const reports = load(model, { part: { stages }, prepackWeights: false });
    expect(reports).toHaveLength(stages);
    for (const { weightBytes, virtualBytes, residentBytes } of reports) {
      expect(virtualBytes).toBeGreaterThanOrEqual(weightBytes);
      expect(virtualBytes).toBeLessThan(weightBytes + BESIDES_BYTES);
      expect(residentBytes).toBeLessThan(BESIDES_BYTES);
    }
    const total = reports.reduce((sum, { weightBytes }) => sum + weightBytes, 0);
    expect(Math.max(...reports.map(({ weightBytes }) => weightBytes)) / total).toBeLessThan(1 / stages + 0.02);
  },
);

onLinux.each([2, 8])('a stage of %i that runs reads its own layers only, from the files', (stages) => {
  const part = { stages, only: [stages - 1] };
  const [report] = load('Wan2.1-T2V-1.3B', { part, prepackWeights: false, run: true });
  const { weightBytes, residentBytes, anonymousBytes } = report!;
  expect(residentBytes).toBeGreaterThan(0.95 * weightBytes);
  expect(residentBytes).toBeLessThan(weightBytes + BESIDES_BYTES);
  expect(anonymousBytes).toBeLessThan(BESIDES_BYTES);
});

onLinux.each([4, 8])('a stage of %i with rearranged weights holds one copy of its own layers', (stages) => {
  const [report] = load('Wan2.1-T2V-1.3B', { part: { stages, only: [1] }, prepackWeights: true });
  const { weightBytes, residentBytes, anonymousBytes } = report!;
  expect(anonymousBytes).toBeGreaterThan(0.95 * weightBytes);
  expect(residentBytes).toBeLessThan(weightBytes + BESIDES_BYTES);
});

onLinux.each(['text encoder', 'video decoder'] as const)('the %s of full size is mapped, not held', (part) => {
  const [report] = load('Wan2.1-T2V-14B', { part, prepackWeights: false });
  const { weightBytes, virtualBytes, residentBytes } = report!;
  expect(virtualBytes).toBeLessThan(weightBytes + BESIDES_BYTES);
  expect(residentBytes).toBeLessThan(BESIDES_BYTES);
});
