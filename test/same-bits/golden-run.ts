import { join } from 'node:path';
import { type JobSpec, jobSpecSchema } from '#contract/job-spec.ts';
import { givenNoise, type NoiseShape, seededNoise } from '../../runner/diffusion/noise-pool.ts';
import { cpuDevices } from '../../runner/ort/device.ts';
import type { PipelineInput } from '../../runner/pipeline/driver.ts';
import type { PipelineModel } from '../../runner/pipeline/stage-task.ts';
import { transformerBytes } from '../../runner/plan/memory.ts';
import { type Plan, planRun } from '../../runner/plan/plan.ts';
import type { F32Tensor } from '../../runner/tensor.ts';
import { openTransformer, readModelConfig } from '../../runner/weights/open-model.ts';
import { GOLDEN, type GoldenCase, readGolden } from './golden-case.ts';

/** The tiny model of the reference folder, with one expert or two; the second lies in a folder of its own there. */
export function goldenModel(experts: number): PipelineModel {
  const tiny = join(GOLDEN, 'tiny-wan');
  const config = readModelConfig(tiny);
  const transformer = openTransformer(tiny, 'transformer', config.transformer);
  if (experts === 1) return { config, transformer, transformer2: null };
  const transformer2 = openTransformer(join(GOLDEN, 'two-experts'), 'transformer_2', config.transformer);
  const boundaryRatio = 0.875;
  return { config: { ...config, transformer2: config.transformer, boundaryRatio }, transformer, transformer2 };
}

/** The numbers of a run that tests choose; everything else is small and fixed. */
export interface RunNumbers {
  readonly stages: number;
  readonly steps: number;
  readonly frames: number;
  readonly blockLatents: number;
  readonly contextLatents: number;
  readonly size?: { readonly width: number; readonly height: number };
  readonly guidanceScales?: readonly number[];
  readonly flowShift?: number;
}

function jobOf(numbers: RunNumbers): JobSpec {
  const { stages, steps, frames, blockLatents, contextLatents, flowShift } = numbers;
  const [guidanceScale, guidanceScale2] = numbers.guidanceScales ?? [5];
  return jobSpecSchema.parse({
    name: 'run',
    prompt: 'a red circle moving to the right',
    frames,
    size: numbers.size ?? { width: 64, height: 48 },
    model: { ref: 'model', folder: GOLDEN },
    sampling: { steps, guidanceScale, guidanceScale2, flowShift, maxSequenceLength: 64 },
    parallelism: { gpus: stages, blockLatents, contextLatents },
    output: { folder: '/nowhere' },
  });
}

/** The numbers of a reference run. */
function numbersOf(golden: GoldenCase, stages: number): RunNumbers {
  const [, , , height = 0, width = 0] = golden.f32('pool').shape;
  return {
    stages,
    steps: golden.setting('steps') as number,
    frames: (golden.f32('latents').shape[2]! - 1) * 4 + 1,
    blockLatents: golden.setting('block_latents') as number,
    contextLatents: golden.setting('context_latents') as number,
    size: { width: width * 8, height: height * 8 },
    guidanceScales: [golden.setting('guidance')].flat() as number[],
    flowShift: golden.setting('flow_shift') as number,
  };
}

/** A plan for `spec` and `model`, with the bytes that the model has. */
function planFor(spec: JobSpec, model: PipelineModel): Plan {
  const weights = [model.transformer, model.transformer2].filter((expert) => expert !== null);
  const bytes = weights.map(({ tensors }) =>
    transformerBytes(
      [...tensors].map(([name, { byteLength }]) => [name, byteLength]),
      model.config.transformer.layers,
    ),
  );
  const devices = cpuDevices(spec.parallelism.gpus).map(({ name }) => ({ name, memoryBytes: null }));
  return planRun(spec, model.config, bytes, devices);
}

/** What the noise of a plan must look like. */
function noiseShape(plan: Plan): NoiseShape {
  return {
    channels: plan.latentChannels,
    poolLatents: plan.windowLatents,
    height: plan.latentHeight,
    width: plan.latentWidth,
    blocks: plan.blocks,
    blockLatents: plan.blockLatents,
  };
}

/** A run of any model as the pipeline's input, with noise from a seed and embeddings of the reference. */
export function modelInput(model: PipelineModel, numbers: RunNumbers): PipelineInput {
  const plan = planFor(jobOf(numbers), model);
  return {
    plan,
    model,
    devices: cpuDevices(numbers.stages),
    conditional: embedding(0),
    unconditional: plan.branches === 2 ? embedding(1) : null,
    noise: seededNoise(1, noiseShape(plan)),
  };
}

/** A reference run as the pipeline's input, with the reference's own noise. */
export function goldenInput(golden: GoldenCase, stages: number): PipelineInput {
  const input = modelInput(goldenModel(golden.setting('experts') as number), numbersOf(golden, stages));
  const { blocks, blockLatents } = input.plan;
  const numbers = blocks > 1 ? golden.integers('permutations') : [];
  const orders = Array.from({ length: blocks - 1 }, (_, index) =>
    numbers.slice(index * blockLatents, (index + 1) * blockLatents),
  );
  return { ...input, noise: givenNoise(golden.f32('pool'), orders, noiseShape(input.plan)) };
}

/** Embeddings `[1, L, textWidth]` of a prompt of the reference. */
function embedding(prompt: number): F32Tensor {
  const { shape, data } = readGolden('text.safetensors').f32('embeds');
  const [, tokens = 0, width = 0] = shape;
  return { shape: [1, tokens, width], data: data.slice(prompt * tokens * width, (prompt + 1) * tokens * width) };
}
