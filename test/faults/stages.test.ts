import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openFrameDecoder } from '../../runner/decode/frames.ts';
import { cpuDevices } from '../../runner/ort/device.ts';
import { openPipeline, type PipelineInput } from '../../runner/pipeline/driver.ts';
import type { PipelineEvent } from '../../runner/pipeline/watch.ts';
import { zeros } from '../../runner/tensor.ts';
import { openModel } from '../../runner/weights/open-model.ts';
import { modelInput, type RunNumbers, tinyModel } from '../same-bits/inputs.ts';
import { randomModel } from '../same-bits/random-model.ts';
import { FAULT_VARIABLE, type Fault } from './programs/fault.ts';

const HANGING_DECODER = new URL('./programs/hanging-decoder.ts', import.meta.url);
const HANGING_LOAD = new URL('./programs/hanging-load.ts', import.meta.url);
const FAILING_STAGE = new URL('./programs/failing-stage-worker.ts', import.meta.url);

const threads: Worker[] = [];
const remember = (worker: Worker) => void threads.push(worker);
beforeAll(() => void process.on('worker', remember));
afterAll(() => void process.off('worker', remember));
afterEach(() => {
  threads.splice(0);
  delete process.env[FAULT_VARIABLE];
});

/** Threads that have not ended: an ended one has lost its number. */
const living = () => threads.filter(({ threadId }) => threadId !== -1).length;

/** Three stages and far more work than any test waits for. */
const LONG = { stages: 3, steps: 50, frames: 4001, blockLatents: 4, contextLatents: 2 };

function longRun(fault?: Fault, changes: Partial<RunNumbers> = {}): PipelineInput {
  const input = modelInput(tinyModel(), { ...LONG, ...changes });
  if (fault === undefined) return input;
  process.env[FAULT_VARIABLE] = JSON.stringify(fault);
  return { ...input, options: { stageWorker: FAILING_STAGE } };
}

/** Takes blocks until the pipeline ends or fails. */
async function takeAll(input: PipelineInput, signal?: AbortSignal): Promise<number> {
  await using pipeline = await openPipeline(input, signal);
  let blocks = 0;
  for await (const _ of pipeline.finishedBlocks()) blocks++;
  return blocks;
}

describe('a stage that goes wrong ends the run with an error that names it, and leaves no thread', () => {
  test.each([
    {
      what: 'the first throws',
      fault: { stage: 0, item: 0, how: 'throw' } as const,
      error: {
        code: 'E_PIPELINE_STAGE',
        message: expect.stringMatching(
          /^stage 0 \(layers 0–1 on cpu:0\) failed: unexpected failure: Error: made to fail; by a test/,
        ),
      },
    },
    {
      what: 'the last throws in the middle',
      fault: { stage: 2, item: 40, how: 'throw' } as const,
      error: { code: 'E_PIPELINE_STAGE', message: expect.stringMatching(/^stage 2 \(layers 4–4 on cpu:2\) failed: /) },
    },
    {
      what: 'one in the middle dies without a word',
      fault: { stage: 1, item: 25, how: 'exit' } as const,
      error: {
        code: 'E_PIPELINE_STAGE_DIED',
        message:
          'stage 1 (layers 2–3 on cpu:1) ended after 25 of 25000 items, with exit code 3 and without a reason; try again, with more memory if it repeats',
      },
    },
  ])('$what', async ({ fault, error }) => {
    await expect(takeAll(longRun(fault))).rejects.toMatchObject({ ...error, exit: 'device' });
    expect([threads.length, living()]).toEqual([3, 0]);
  });

  test('one cannot load', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dualparal-truncated-'));
    try {
      const sizes = { layers: 3, heads: 2, headWidth: 24, feedForwardWidth: 96 };
      const input = modelInput(randomModel(folder, sizes), { ...LONG, stages: 3 });
      writeFileSync(join(folder, 'transformer', 'diffusion_pytorch_model.safetensors'), 'gone');
      await expect(openPipeline(input)).rejects.toMatchObject({
        code: 'E_DEVICE_RUNTIME',
        message: expect.stringMatching(/^stage \d \(layers \d–\d on cpu:\d\): .*cpu:\d while loading/),
      });
      expect([threads.length, living()]).toEqual([3, 0]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('what hangs is noticed by how long it took before, and named', () => {
  const patience = {
    lookMilliseconds: 60_000,
    loadMilliseconds: 60_000,
    firstMilliseconds: 500,
    leastMilliseconds: 500,
    factor: 1,
  };

  test.each([
    { stage: 0, item: 0 },
    { stage: 1, item: 30 },
    { stage: 2, item: 31 },
  ])('stage $stage at item $item', async ({ stage, item }) => {
    const input = longRun({ stage, item, how: 'hang' });
    await expect(takeAll({ ...input, options: { ...input.options, patience } })).rejects.toMatchObject({
      code: 'E_PIPELINE_STAGE_HUNG',
      message: expect.stringMatching(new RegExp(`^stage ${stage} \\(layers .* at item ${item} of 25000 for \\d+ s`)),
      exit: 'device',
    });
    expect(living()).toBe(0);
  });

  test.each([
    { stages: 2, stage: 0, item: 12 },
    { stages: 2, stage: 1, item: 30 },
    { stages: 4, stage: 1, item: 0 },
    { stages: 4, stage: 2, item: 30 },
    { stages: 4, stage: 3, item: 31 },
  ])('with guidance in parallel on $stages devices: stage $stage at item $item', async ({ stages, stage, item }) => {
    const input = longRun({ stage, item, how: 'hang' }, { stages, guidanceParallel: true });
    await expect(takeAll({ ...input, options: { ...input.options, patience } })).rejects.toMatchObject({
      code: 'E_PIPELINE_STAGE_HUNG',
      message: expect.stringMatching(new RegExp(`^stage ${stage} \\(layers .* at item ${item} of `)),
    });
    expect(living()).toBe(0);
  });

  test.each([0, 2])('stage %i while it loads', async (stage) => {
    const input = longRun({ stage, item: 'loading', how: 'hang' });
    const options = { ...input.options, patience: { ...patience, loadMilliseconds: 5000 } };
    await expect(openPipeline({ ...input, options })).rejects.toMatchObject({
      code: 'E_PIPELINE_LOAD_HUNG',
      message: expect.stringMatching(
        new RegExp(`^stage ${stage} \\(layers .* has been loading for \\d+ s and was given up`),
      ),
      exit: 'device',
    });
    expect(living()).toBe(0);
  });

  const { config, vae: weights } = openModel(join(import.meta.dirname, '../golden/data/tiny-wan'));
  const model = { config: config.vae, weights };
  const decoding = { parts: [{ device: cpuDevices(1)[0]! }], latentHeight: 4, latentWidth: 4 };

  test('the decoder while it loads', async () => {
    const options = { ...decoding, patience: { ...patience, loadMilliseconds: 500 }, worker: HANGING_LOAD };
    await expect(openFrameDecoder(model, options)).rejects.toMatchObject({
      code: 'E_DECODE_LOAD_HUNG',
      exit: 'device',
    });
    expect(living()).toBe(0);
  });

  test('the decoder', async () => {
    await using decoder = await openFrameDecoder(model, { ...decoding, patience, worker: HANGING_DECODER });
    await expect(Array.fromAsync(decoder.decode(zeros([1, 16, 3, 4, 4])))).rejects.toMatchObject({
      code: 'E_DECODE_HUNG',
      exit: 'device',
    });
    await decoder[Symbol.asyncDispose]();
    expect(living()).toBe(0);
  });
});

describe('a stop ends a run cleanly, wherever it is', () => {
  const stopped = { code: 'E_PIPELINE_STOPPED', exit: 'resume' };

  test('before it starts', async () => {
    await expect(openPipeline(longRun(), AbortSignal.abort())).rejects.toMatchObject(stopped);
    expect(threads).toHaveLength(0);
  });

  test('while stages load', async () => {
    const stop = new AbortController();
    const opening = openPipeline(longRun(), stop.signal);
    stop.abort();
    await expect(opening).rejects.toMatchObject(stopped);
    expect(living()).toBe(0);
  });

  test('while all stages work', async () => {
    const stop = new AbortController();
    const onEvent = (event: PipelineEvent) => {
      if (event.kind === 'blockStep' && event.done === 30) stop.abort();
    };
    await expect(takeAll({ ...longRun(), onEvent }, stop.signal)).rejects.toMatchObject(stopped);
    expect([threads.length, living()]).toEqual([3, 0]);
  });

  test('while a stage hangs in the middle of an item', async () => {
    const stop = new AbortController();
    const onEvent = (event: PipelineEvent) => {
      // Items 0 to 9 are all that can get past the stage that hangs at the next one.
      if (event.kind === 'blockStep' && event.done === 5) stop.abort();
    };
    const input = longRun({ stage: 1, item: 10, how: 'hang' });
    await expect(takeAll({ ...input, onEvent }, stop.signal)).rejects.toMatchObject(stopped);
    expect([threads.length, living()]).toEqual([3, 0]);
  });

  test('by disposing of it while nobody takes its blocks', async () => {
    const pipeline = await openPipeline(longRun());
    await pipeline[Symbol.asyncDispose]();
    expect([threads.length, living()]).toEqual([3, 0]);
    await expect(pipeline.finishedBlocks().next()).rejects.toMatchObject(stopped);
  });
});

test('blocks that nobody takes hold the pipeline, and taking them lets it go on', async () => {
  const input = modelInput(tinyModel(), { stages: 2, steps: 2, frames: 201, blockLatents: 4, contextLatents: 2 });
  const steps = { done: 0 };
  const onEvent = (event: PipelineEvent) => {
    if (event.kind === 'blockStep') steps.done = event.done;
  };
  await using pipeline = await openPipeline({ ...input, onEvent });
  let before = -1;
  while (before !== steps.done) {
    before = steps.done;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  expect(steps.done).toBeGreaterThan(0);
  expect(steps.done).toBeLessThan(input.plan.blockSteps);
  expect(pipeline.lanes().map(({ block }) => block)).toEqual([undefined, undefined]);
  const indices: number[] = [];
  for await (const { index } of pipeline.finishedBlocks()) indices.push(index);
  expect(indices).toEqual(Array.from({ length: input.plan.blocks }, (_, index) => index));
  expect(steps.done).toBe(input.plan.blockSteps);
});

test('embeddings that do not fit the plan are refused before any thread starts', async () => {
  const input = longRun();
  await expect(openPipeline({ ...input, unconditional: null })).rejects.toMatchObject({
    code: 'E_PIPELINE_PROMPT',
    message: 'the unconditional prompt has embeddings of shape [nothing], this plan needs [1, 64, 32]',
  });
  expect(threads).toHaveLength(0);
});
