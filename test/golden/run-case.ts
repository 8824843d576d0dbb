import { join } from 'node:path';
import { jobSpecSchema } from '#contract/job-spec.ts';
import { givenNoise } from '../../runner/diffusion/noise-pool.ts';
import { joinLatents } from '../../runner/latents.ts';
import { noiseShapeOf } from '../../runner/noise.ts';
import { cpuDevices } from '../../runner/ort/device.ts';
import { openPipeline, type Pipeline, type PipelineInput } from '../../runner/pipeline/driver.ts';
import type { PipelineModel } from '../../runner/pipeline/stage-task.ts';
import type { Plan } from '../../runner/plan/plan.ts';
import type { LeftContext } from '../../runner/plan/schedule.ts';
import { planModel } from '../../runner/plan-job.ts';
import type { F32Tensor } from '../../runner/tensor.ts';
import { readJsonFile } from '../../runner/weights/model-file.ts';
import { openTransformer, readModelConfig } from '../../runner/weights/open-model.ts';
import { readTensors, type TensorFile } from '../../runner/weights/read-tensors.ts';
import { row } from './compare.ts';

/** A reference run: its sampling and cut, with the noise and the embeddings that it was made with. */
export interface GoldenCase {
  readonly folder: string;
  readonly experts: number;
  readonly steps: number;
  readonly guidance: readonly number[];
  readonly flowShift: number;
  readonly blockLatents: number;
  readonly contextLatents: number;
  /** Iterations between the entries of two blocks. */
  readonly stride: number;
  readonly leftContext: LeftContext;
  /** Lowest and highest noise level with guidance; null: all. */
  readonly guidanceInterval: readonly [number, number] | null;
  readonly latents: number;
  readonly pool: F32Tensor;
  readonly orders: readonly (readonly number[])[];
}

/** Settings of a case as JSON strings in its metadata (data/README.md). */
export function setting<T>(file: TensorFile, name: string): T {
  const text = file.metadata[name];
  if (text === undefined) throw new Error(`the case has no metadata "${name}"`);
  return JSON.parse(text) as T;
}

/** The two embeddings that every run of a folder uses: prompt and negative prompt. */
function prompts(folder: string): readonly [F32Tensor, F32Tensor] {
  const embeds = readTensors(join(folder, 'text.safetensors')).f32('embeds');
  return [row(embeds, 0), row(embeds, 1)];
}

/** The folder's tiny model, with one expert or two; the second lies in a folder of its own. */
export function caseModel(folder: string, experts: number): PipelineModel {
  const tiny = join(folder, 'tiny-wan');
  const config = readModelConfig(tiny);
  const transformer = openTransformer(tiny, 'transformer', config.transformer);
  if (experts === 1) return { config, transformer, transformer2: null };
  const index = readJsonFile(join(folder, 'two-experts/model_index.json'), 'two-experts/model_index.json');
  const { boundary_ratio: boundaryRatio } = index as { boundary_ratio: number };
  const transformer2 = openTransformer(join(folder, 'two-experts'), 'transformer_2', config.transformer);
  return { config: { ...config, transformer2: config.transformer, boundaryRatio }, transformer, transformer2 };
}

/** What a pipeline is given to repeat the case on `stages` stages. */
export function caseInput(golden: GoldenCase, stages: number): PipelineInput {
  const model = caseModel(golden.folder, golden.experts);
  const [conditional, unconditional] = prompts(golden.folder);
  const plan = casePlan(golden, model, stages, conditional.shape[1]!);
  const noise = givenNoise(golden.pool, golden.orders, noiseShapeOf(plan));
  return {
    plan,
    model,
    devices: cpuDevices(stages),
    conditional,
    unconditional: plan.branches === 2 ? unconditional : null,
    noise,
  };
}

function casePlan(golden: GoldenCase, model: PipelineModel, stages: number, textTokens: number): Plan {
  const [, , , height = 0, width = 0] = golden.pool.shape;
  const [guidanceScale, guidanceScale2] = golden.guidance;
  const spec = jobSpecSchema.parse({
    name: 'golden',
    prompt: 'the embeddings are given',
    frames: (golden.latents - 1) * 4 + 1,
    size: { width: width * 8, height: height * 8 },
    model: { ref: 'golden', folder: golden.folder },
    sampling: {
      steps: golden.steps,
      guidanceScale,
      guidanceScale2,
      flowShift: golden.flowShift,
      guidanceInterval: intervalOf(golden),
      maxSequenceLength: textTokens,
    },
    parallelism: {
      gpus: stages,
      blockLatents: golden.blockLatents,
      contextLatents: golden.contextLatents,
      stride: golden.stride,
      leftContext: golden.leftContext,
    },
    output: { folder: golden.folder },
  });
  return planModel(spec, model, cpuDevices(stages));
}

function intervalOf({ guidanceInterval }: GoldenCase) {
  if (guidanceInterval === null) return undefined;
  const [low, high] = guidanceInterval;
  return { low, high };
}

/** Runs a pipeline to its end: the clean latents, concatenated in time. `after` sees it before its threads end. */
export async function runToEnd(input: PipelineInput, after?: (pipeline: Pipeline) => void): Promise<F32Tensor> {
  const pipeline = await openPipeline(input);
  try {
    const parts: F32Tensor[] = [];
    for await (const block of pipeline.finishedBlocks()) parts.push(block.latents);
    after?.(pipeline);
    return joinLatents(parts);
  } finally {
    await pipeline[Symbol.asyncDispose]();
  }
}
