import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { joinLatents } from '../../runner/latents.ts';
import type { PipelineCut } from '../../runner/pipeline/cut.ts';
import { openPipeline, type PipelineInput } from '../../runner/pipeline/driver.ts';
import type { ResumeState } from '../../runner/pipeline/resume.ts';
import type { PipelineEvent } from '../../runner/pipeline/watch.ts';
import type { F32Tensor } from '../../runner/tensor.ts';
import { createDice } from '../faults/dice.ts';
import { runToEnd } from '../golden/run-case.ts';
import { fingerprint } from './fingerprint.ts';
import { modelInput, type RunNumbers, tinyModel } from './inputs.ts';

/** A cut as it would be read from a disk, with the clean latents of the blocks that had left the queue. */
interface Kept {
  readonly from: ResumeState;
  readonly finished: readonly F32Tensor[];
}

/** Runs to the end and keeps as many cuts as are made on the way. */
async function cutsOf(input: PipelineInput): Promise<{ film: F32Tensor; cuts: readonly Kept[] }> {
  const finished: F32Tensor[] = [];
  const cuts: Kept[] = [];
  const onFinished = ({ latents }: { readonly latents: F32Tensor }) => void finished.push(latents);
  await using pipeline = await openPipeline({ ...input, onFinished, options: { ...input.options, cuts: true } });
  const cutting = (async () => {
    for (let cut = await pipeline.cuts.next(); cut !== undefined; cut = await pipeline.cuts.next()) {
      cuts.push(copyOf(cut, finished));
    }
  })();
  const parts: F32Tensor[] = [];
  for await (const block of pipeline.finishedBlocks()) parts.push(block.latents);
  await cutting;
  return { film: joinLatents(parts), cuts };
}

/** Stops once so many block-steps are made, and keeps the last cut: nothing is computed after it. */
async function stoppedAfter(input: PipelineInput, blockSteps: number): Promise<Kept> {
  const finished: F32Tensor[] = [];
  const due = Promise.withResolvers<void>();
  let iteration = -1;
  const onFinished = ({ latents }: { readonly latents: F32Tensor }) => void finished.push(latents);
  const onEvent = (event: PipelineEvent) => {
    if (event.kind !== 'blockStep') return;
    iteration = event.iteration;
    if (event.done >= blockSteps) due.resolve();
  };
  await using pipeline = await openPipeline({
    ...input,
    onFinished,
    onEvent,
    options: { ...input.options, cuts: true },
  });
  await due.promise;
  expect(pipeline.cuts.isLastMade()).toBe(false);
  pipeline.cuts.endWithNext();
  const cutting = pipeline.cuts.next();
  // A run whose blocks nobody takes does not come to its end, however late this is.
  const taking = Array.fromAsync(pipeline.finishedBlocks()).catch(() => undefined);
  const cut = (await cutting)!;
  expect(pipeline.cuts.isLastMade()).toBe(true);
  const kept = copyOf(cut, finished);
  // As long as a disk may take: hundreds of block-steps of this model.
  await Promise.race([taking, sleep(200)]);
  expect(iteration).toBe(cut.iteration);
  return kept;
}

/** Whoever gets a cut has heard of all that is in it before. */
function copyOf({ iteration, finished: count, blocks }: PipelineCut, all: readonly F32Tensor[]): Kept {
  const finished = all.slice(0, count);
  expect(finished.length).toBe(count);
  const states = new Map(blocks.map(({ block, state }) => [block, Float32Array.from(state)]));
  const fill: ResumeState['fill'] = async ({ state, lastFinished }) => {
    for (const [block, numbers] of states) state(block).set(numbers);
    lastFinished?.set(finished.at(-1)!.data);
  };
  return { from: { iteration, fill }, finished };
}

async function resumed(input: PipelineInput, { from, finished }: Kept): Promise<F32Tensor> {
  return joinLatents([...finished, await runToEnd({ ...input, from })]);
}

const FILM = { frames: 61, blockLatents: 4 };

test.each([
  { what: 'the paper’s schedule', steps: 4, contextLatents: 2 },
  { what: 'more blocks than steps', steps: 2, contextLatents: 4 },
  { what: 'a stride', steps: 6, stride: 3, contextLatents: 4 },
  { what: 'fewer steps than the stride', steps: 2, stride: 5, contextLatents: 2 },
  { what: 'guidance in some steps', steps: 6, contextLatents: 2, guidanceInterval: { low: 0.3, high: 0.9 } },
  { what: 'no context', steps: 3, contextLatents: 0 },
] as const)(
  'a run that goes on after a cut has the same bits on any number of stages: $what',
  async ({ what: _, ...numbers }) => {
    const dice = createDice(numbers.steps);
    const inputOf = (stages: number, guidanceParallel = false) =>
      modelInput(tinyModel(), { ...FILM, ...numbers, stages, guidanceParallel });
    const { film, cuts } = await cutsOf(inputOf(2));
    expect(cuts.length).toBeGreaterThan(0);
    const { blocks } = inputOf(2).plan;
    const stop = dice.between(1, numbers.steps);
    const last = await stoppedAfter(inputOf(3), stop);
    for (const [stages, guidanceParallel] of [
      [1, false],
      [5, false],
      [4, true],
    ] as const) {
      const cut = dice.pick(cuts.filter(({ finished }) => finished.length < blocks));
      for (const from of [cut, last]) {
        const what = `${stages} stages after iteration ${from.from.iteration}, stopped after ${stop} steps`;
        expect(fingerprint(await resumed(inputOf(stages, guidanceParallel), from)), what).toBe(fingerprint(film));
      }
    }
  },
);

test('cuts of a run whose guidance is parallel are those of any other', async () => {
  const numbers: RunNumbers = { ...FILM, stages: 4, steps: 4, contextLatents: 2, guidanceParallel: true };
  const { film, cuts } = await cutsOf(modelInput(tinyModel(), numbers));
  const input = modelInput(tinyModel(), { ...numbers, stages: 3, guidanceParallel: false });
  for (const cut of cuts.filter(({ finished }) => finished.length < input.plan.blocks)) {
    expect(fingerprint(await resumed(input, cut))).toBe(fingerprint(film));
  }
});

test('a run that goes on can be cut and gone on with again', async () => {
  const input = modelInput(tinyModel(), { stages: 2, ...FILM, steps: 5, contextLatents: 2 });
  const whole = await runToEnd(input);
  const first = (await cutsOf(input)).cuts[0]!;
  const { cuts } = await cutsOf({ ...input, from: first.from });
  const second = cuts.find(({ from }) => from.iteration > first.from.iteration)!;
  // What the second run finished comes after what the first had.
  const finished = [...first.finished, ...second.finished];
  expect(fingerprint(await resumed(input, { ...second, finished }))).toBe(fingerprint(whole));
});

test.skipIf(process.platform !== 'linux')('numbers kept as on CUDA can be cut and gone on with', async () => {
  const options = { asOnCuda: true, stageWorker: new URL('./copying-stage-worker.ts', import.meta.url) };
  const inputOf = (stages: number) => ({
    ...modelInput(tinyModel(), { ...FILM, stages, steps: 5, contextLatents: 2 }),
    options,
  });
  const { film, cuts } = await cutsOf(inputOf(2));
  const unfinished = cuts.filter(({ finished }) => finished.length < inputOf(2).plan.blocks);
  expect(unfinished.length).toBeGreaterThan(0);
  for (const cut of unfinished) {
    expect(fingerprint(await resumed(inputOf(3), cut))).toBe(fingerprint(film));
  }
});

test('a cut comes after the blocks that are in it, also where a stage says that the step is done long after the cut', async () => {
  const stageWorker = new URL('./late-stage-worker.ts', import.meta.url);
  const input = modelInput(tinyModel(), { stages: 1, steps: 2, frames: 201, blockLatents: 2, contextLatents: 2 });
  // Whoever is told of steps is behind them, so that it looks for a cut when it hears of earlier ones.
  const onEvent = () => {
    const until = performance.now() + 15;
    while (performance.now() < until);
  };
  const { cuts } = await cutsOf({ ...input, onEvent, options: { stageWorker } });
  expect(cuts.some(({ finished }) => finished.length > 0)).toBe(true);
});
