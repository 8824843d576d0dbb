import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPipeline } from '../../runner/pipeline/driver.ts';
import type { PipelineModel } from '../../runner/pipeline/stage-task.ts';
import { modelInput, type RunNumbers } from '../same-bits/inputs.ts';
import { randomModel } from '../same-bits/random-model.ts';
import type { Bench, BenchRow } from './bench.ts';

/** Wide enough that the layers, not the calls, take the time. */
const SIZES = { layers: 2, heads: 6, headWidth: 64, feedForwardWidth: 1536 };
const RUN = { steps: 4, frames: 193, blockLatents: 8, contextLatents: 4, size: { width: 128, height: 128 } };
const ROUNDS = 2;
const LEFT_CONTEXT_SPEED = 1.35;

type Job = Omit<RunNumbers, keyof typeof RUN>;

/** Milliseconds from the moment all stages are loaded to the last block. */
async function milliseconds(model: PipelineModel, job: Job): Promise<number> {
  const input = modelInput(model, { ...RUN, ...job });
  await using pipeline = await openPipeline({ ...input, options: { intraOpThreads: 1 } });
  const started = performance.now();
  for await (const _ of pipeline.finishedBlocks());
  return performance.now() - started;
}

/** The same job both ways in turns, so that a noisy machine is noisy for both; the best time of each. */
async function compare(model: PipelineModel, plain: Job, variant: Job): Promise<readonly [number, number]> {
  let best: readonly [number, number] = [Infinity, Infinity];
  for (let round = 0; round < ROUNDS; round++) {
    best = [Math.min(best[0], await milliseconds(model, plain)), Math.min(best[1], await milliseconds(model, variant))];
  }
  return best;
}

async function row(
  model: PipelineModel,
  measure: string,
  plain: Job,
  variant: Job,
  wanted?: number,
): Promise<BenchRow> {
  const [theirs, ours] = await compare(model, plain, variant);
  const goal =
    wanted === undefined ? {} : { holds: theirs / ours >= wanted, threshold: `at least ${wanted} × as fast` };
  return { measure, unit: 'ms', ours, peer: 'the default', theirs, better: 'lower', ...goal };
}

export const bench: Bench = {
  title: 'the faster variants against the default, the same job on two threads',
  async *run() {
    const folder = mkdtempSync(join(tmpdir(), 'dualparal-bench-'));
    try {
      const model = randomModel(folder, SIZES);
      for (const stride of [1, 2, 3]) {
        const plain = { stages: 2, stride };
        const reuse = { ...plain, leftContext: 'reuse' } as const;
        yield [await row(model, `left context used again, s = ${stride}`, plain, reuse, LEFT_CONTEXT_SPEED)];
      }
      const plain = { stages: 2, stride: 2 };
      const guidanceInterval = { low: 0.25, high: 0.75 };
      yield [await row(model, 'guidance from 0.25 to 0.75 only, s = 2', plain, { ...plain, guidanceInterval })];
      yield [await row(model, 'guidance in parallel, s = 2', plain, { ...plain, guidanceParallel: true })];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};
