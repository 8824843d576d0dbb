import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPipeline, type PipelineInput } from '../../runner/pipeline/driver.ts';
import { scheduleOf } from '../../runner/plan/plan-schedule.ts';
import { itemsOf } from '../../runner/plan/schedule.ts';
import { simulate } from '../../runner/plan/simulate.ts';
import { modelInput } from '../same-bits/inputs.ts';
import { randomModel } from '../same-bits/random-model.ts';
import { runSequentially } from '../same-bits/sequential.ts';
import type { Bench, BenchRow } from './bench.ts';

const SIZES = { layers: 8, heads: 6, headWidth: 32, feedForwardWidth: 768 };
const RUN = {
  steps: 8,
  frames: 193,
  blockLatents: 8,
  contextLatents: 4,
  size: { width: 96, height: 96 },
};
const STAGES = 2;

/** Milliseconds from the moment all stages are loaded to the last block. */
async function pipelineMilliseconds(input: PipelineInput): Promise<number> {
  await using pipeline = await openPipeline({ ...input, options: { intraOpThreads: 1 } });
  const started = performance.now();
  for await (const _ of pipeline.finishedBlocks());
  return performance.now() - started;
}

async function speed(folder: string): Promise<readonly BenchRow[]> {
  const model = randomModel(folder, SIZES);
  const input = modelInput(model, { ...RUN, stages: STAGES });
  const { plan } = input;
  const schedule = scheduleOf(plan);
  runSequentially(modelInput(model, { ...RUN, stages: STAGES, steps: 1 }), 1);
  const sequential = runSequentially(input, 1);
  const milliseconds = await pipelineMilliseconds(input);
  const stageTimes = sequential.stageMilliseconds.map((time) => time / itemsOf(schedule));
  const onPaper = simulate(schedule, { stageTimes, ringSlots: plan.ringSlots }).duration;
  const perSecond = (time: number) => (plan.blockSteps * 1000) / time;
  const unit = 'block-steps/s';
  return [
    {
      measure: `${STAGES} stages of one thread each`,
      unit,
      ours: perSecond(milliseconds),
      peer: 'the same stages one after another in one thread',
      theirs: perSecond(sequential.milliseconds),
      better: 'higher',
    },
    {
      measure: `${STAGES} stages against the schedule on paper, with the stage times just measured`,
      unit,
      ours: perSecond(milliseconds),
      peer: 'no cost but the layers and the bubble',
      theirs: perSecond(onPaper),
      better: 'higher',
    },
  ];
}

export const bench: Bench = {
  title: 'stages in threads over shared memory, the same job in one thread and on paper',
  async *run() {
    const folder = mkdtempSync(join(tmpdir(), 'dualparal-bench-'));
    try {
      yield await speed(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};
