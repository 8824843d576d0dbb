import { join } from 'node:path';
import { type JobSpec, jobSpecSchema } from '#contract/job-spec.ts';
import { givenNoise, type NoiseShape } from '../../runner/diffusion/noise-pool.ts';
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

/** The job that made a reference run, on `stages` stages. */
function goldenJob(golden: GoldenCase, stages: number): JobSpec {
  const [scale, scale2] = [golden.setting('guidance')].flat() as number[];
  const [, , , height = 0, width = 0] = golden.f32('pool').shape;
  return jobSpecSchema.parse({
    name: 'golden',
    prompt: golden.setting('prompt'),
    negativePrompt: golden.setting('negative'),
    seed: 0,
    frames: (golden.f32('latents').shape[2]! - 1) * 4 + 1,
    size: { width: width * 8, height: height * 8 },
    fps: 16,
    model: { ref: 'golden', folder: GOLDEN },
    sampling: {
      steps: golden.setting('steps'),
      guidanceScale: scale,
      guidanceScale2: scale2,
      flowShift: golden.setting('flow_shift'),
      maxSequenceLength: 64,
    },
    parallelism: {
      gpus: stages,
      blockLatents: golden.setting('block_latents'),
      contextLatents: golden.setting('context_latents'),
    },
    output: { folder: '/nowhere', formats: ['mp4'] },
  });
}

/** A plan for `spec` and `model`, with the bytes that the model has. */
export function planFor(spec: JobSpec, model: PipelineModel): Plan {
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
export function noiseShape(plan: Plan): NoiseShape {
  return {
    channels: plan.latentChannels,
    poolLatents: plan.windowLatents,
    height: plan.latentHeight,
    width: plan.latentWidth,
    blocks: plan.blocks,
    blockLatents: plan.blockLatents,
  };
}

/** A reference run as the pipeline's input, with the reference's own noise and embeddings. */
export function goldenInput(golden: GoldenCase, stages: number): PipelineInput {
  const model = goldenModel(golden.setting('experts') as number);
  const plan = planFor(goldenJob(golden, stages), model);
  const numbers = plan.blocks > 1 ? golden.integers('permutations') : [];
  const orders = Array.from({ length: plan.blocks - 1 }, (_, index) =>
    numbers.slice(index * plan.blockLatents, (index + 1) * plan.blockLatents),
  );
  return {
    plan,
    model,
    devices: cpuDevices(stages),
    conditional: embedding(0),
    unconditional: plan.branches === 2 ? embedding(1) : null,
    noise: givenNoise(golden.f32('pool'), orders, noiseShape(plan)),
  };
}

/** Embeddings `[1, L, textWidth]` of a prompt of the reference. */
function embedding(prompt: number): F32Tensor {
  const { shape, data } = readGolden('text.safetensors').f32('embeds');
  const [, tokens = 0, width = 0] = shape;
  return { shape: [1, tokens, width], data: data.slice(prompt * tokens * width, (prompt + 1) * tokens * width) };
}
