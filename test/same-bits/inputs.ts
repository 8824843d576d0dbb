import { join } from 'node:path';
import { type JobSpec, jobSpecSchema } from '#contract/job-spec.ts';
import { seededNoise } from '../../runner/diffusion/noise-pool.ts';
import { noiseShapeOf } from '../../runner/noise.ts';
import { cpuDevices } from '../../runner/ort/device.ts';
import type { PipelineInput } from '../../runner/pipeline/driver.ts';
import type { PipelineModel } from '../../runner/pipeline/stage-task.ts';
import { planModel } from '../../runner/plan-job.ts';
import type { F32Tensor } from '../../runner/tensor.ts';
import { readTensors, type TensorFile } from '../../runner/weights/read-tensors.ts';
import { row } from '../golden/compare.ts';
import { readCase } from '../golden/groups/dualparal.ts';
import { caseInput, caseModel } from '../golden/run-case.ts';

/** Folder of the reference numbers. */
const GOLDEN = join(import.meta.dirname, '../golden/data');

/** The tiny model of the reference. */
export function tinyModel(): PipelineModel {
  return caseModel(GOLDEN, 1);
}

/** The numbers of a run that tests choose; everything else is small and fixed. */
export interface RunNumbers {
  readonly stages: number;
  readonly steps: number;
  readonly frames: number;
  readonly blockLatents: number;
  readonly contextLatents: number;
  readonly stride?: number;
  readonly leftContext?: 'recompute' | 'reuse';
  readonly guidanceParallel?: boolean;
  readonly guidanceInterval?: { readonly low: number; readonly high: number };
  readonly size?: { readonly width: number; readonly height: number };
}

function jobOf(numbers: RunNumbers): JobSpec {
  const { stages, steps, frames, blockLatents, contextLatents, stride = 1 } = numbers;
  const { leftContext, guidanceParallel, guidanceInterval } = numbers;
  return jobSpecSchema.parse({
    name: 'run',
    prompt: 'a red circle moving to the right',
    frames,
    size: numbers.size ?? { width: 64, height: 48 },
    model: { ref: 'model', folder: GOLDEN },
    sampling: { steps, maxSequenceLength: 64, guidanceInterval },
    parallelism: { gpus: stages, blockLatents, contextLatents, stride, leftContext, guidanceParallel },
    output: { folder: '/nowhere' },
  });
}

/** A run of any model as the pipeline's input, with noise from a seed and embeddings of the reference. */
export function modelInput(model: PipelineModel, numbers: RunNumbers): PipelineInput {
  const plan = planModel(jobOf(numbers), model, cpuDevices(numbers.stages));
  return {
    plan,
    model,
    devices: cpuDevices(numbers.stages),
    conditional: embedding(0),
    unconditional: plan.branches === 2 ? embedding(1) : null,
    noise: seededNoise(1, noiseShapeOf(plan)),
  };
}

/** A reference run, by its name in the folder `dualparal/`, as the pipeline's input. */
export function goldenInput(name: string, stages: number): PipelineInput {
  return caseInput(readCase(GOLDEN, readGolden(`dualparal/${name}.safetensors`)), stages);
}

/** A file of reference numbers. */
export function readGolden(path: string): TensorFile {
  return readTensors(join(GOLDEN, path));
}

/** Embeddings `[1, L, textWidth]` of a prompt of the reference. */
function embedding(prompt: number): F32Tensor {
  return row(readGolden('text.safetensors').f32('embeds'), prompt);
}
