import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { openPipeline, type PipelineInput } from '../../runner/pipeline/driver.ts';
import { CELLS } from '../../runner/pipeline/layout.ts';
import { scheduleOf } from '../../runner/pipeline/stage-task.ts';
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

const HOPS = 200_000;
const HOP_WORKER = `
import { joinRing } from '${new URL('../../runner/pipeline/ring.ts', import.meta.url).href}';
import { parentPort, workerData } from 'node:worker_threads';
const { control, stage, items } = workerData;
const ring = joinRing(control, stage, 2, 2);
for (let index = 0; index < items; index++) { ring.waitForItem(index); ring.done(); }
parentPort.postMessage('done');
`;

/** Microseconds per item between two threads that do nothing but hand on. */
async function hopMicroseconds(): Promise<number> {
  const control = new SharedArrayBuffer(CELLS.done(2) * 4);
  const start = (stage: number) => {
    const workerData = { control, stage, items: HOPS };
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(HOP_WORKER)}`), { workerData });
    return new Promise<number>((resolve) => worker.once('message', () => resolve(performance.now())));
  };
  const last = start(1);
  // The second thread is up and asleep before the first one starts, so that no start-up is counted.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const cells = new Int32Array(control);
  const first = start(0);
  while (Atomics.load(cells, CELLS.done(0)) === 0) await new Promise((resolve) => setImmediate(resolve));
  const started = performance.now();
  const ended = Math.max(await first, await last);
  return ((ended - started) * 1000) / HOPS;
}

/** Microseconds to copy the hidden states of a 1.3B block-step at 480p once: 12 latents of 1,560 tokens, width 1536. */
function copyMicroseconds(): number {
  const from = new Float32Array(12 * 1560 * 1536).fill(1);
  const to = new Float32Array(from.length);
  to.set(from);
  const started = performance.now();
  const rounds = 10;
  for (let round = 0; round < rounds; round++) to.set(from);
  return ((performance.now() - started) * 1000) / rounds;
}

async function hop(): Promise<BenchRow> {
  return {
    measure: 'handing hidden states to the next stage, in place',
    unit: 'µs',
    ours: await hopMicroseconds(),
    peer: 'copying those of a 1.3B block-step at 480p once',
    theirs: copyMicroseconds(),
    better: 'lower',
  };
}

export const bench: Bench = {
  title: 'stages in threads over shared memory',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'dualparal-bench-'));
    try {
      return [...(await speed(folder)), await hop()];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};
