import type { NoiseSource } from '../diffusion/noise-pool.ts';
import { createSampler } from '../diffusion/sampler.ts';
import { contextGraph, timeGraph } from '../model/condition.ts';
import type { ModelConfig, TransformerConfig } from '../model/config.ts';
import { embedGraph } from '../model/embed.ts';
import { headGraph } from '../model/head.ts';
import { crossKvGraph, sliceGraph } from '../model/layers.ts';
import type { Compute } from '../model/ops.ts';
import type { Device } from '../ort/device.ts';
import type { Plan } from '../plan/plan.ts';
import type { ScheduleSettings } from '../plan/schedule.ts';
import type { F32Tensor, FloatType } from '../tensor.ts';
import type { ComponentWeights } from '../weights/shards.ts';
import type { SharedMemory } from './layout.ts';

/** The graphs that one stage runs for one expert, as ONNX bytes over the files in `folder`. */
export interface ExpertTask {
  readonly folder: string;
  readonly slice: Uint8Array;
  readonly crossKv: Uint8Array;
  /** The first stage's: prompts and timesteps (once, at the start) and patches. */
  readonly entry: { readonly time: Uint8Array; readonly context: Uint8Array; readonly embed: Uint8Array } | null;
  /** The last stage's: velocity. */
  readonly head: Uint8Array | null;
}

/** Everything that a stage's thread is given, as plain data. */
export interface StageTask {
  readonly stage: number;
  readonly device: Device;
  readonly plan: Plan;
  readonly schedule: ScheduleSettings;
  readonly transformer: TransformerConfig;
  readonly dtype: FloatType;
  /** Threads within an operator on the CPU. */
  readonly intraOpThreads: number;
  readonly experts: readonly ExpertTask[];
  /** Embeddings `[1, L, textWidth]` per branch. */
  readonly prompts: readonly F32Tensor[];
  readonly noise: NoiseSource;
  readonly shared: SharedMemory;
}

/** A model as the pipeline needs it: its configuration and where its transformers' tensors lie. */
export interface PipelineModel {
  readonly config: ModelConfig;
  readonly transformer: ComponentWeights;
  readonly transformer2: ComponentWeights | null;
}

/** What all stages of a run share of their tasks. */
export type CommonTask = Omit<StageTask, 'stage' | 'device' | 'experts' | 'schedule' | 'transformer'>;

/** One task per stage, with its graphs built. Throws `E_MODEL_TENSOR` where a tensor is missing. */
export function stageTasks(model: PipelineModel, devices: readonly Device[], common: CommonTask): readonly StageTask[] {
  const schedule = scheduleOf(common.plan);
  const { transformer } = model.config;
  const weights = [model.transformer, model.transformer2].filter((expert) => expert !== null);
  return common.plan.stages.map((_, stage) => {
    const device = devices[stage]!;
    const experts = weights.map((expert) => expertTask(transformer, expert, common, stage, device));
    return { ...common, stage, device, schedule, transformer, experts };
  });
}

/** The order of work of a plan: which expert makes a step follows from the step's timestep. */
export function scheduleOf({ blocks, branches, contextLatents, sampling, stride }: Plan): ScheduleSettings {
  const { timesteps } = createSampler(sampling).levels;
  const { boundaryTimestep, rightContext } = sampling;
  const isLowNoise = (timestep: number) => boundaryTimestep !== null && timestep < boundaryTimestep;
  const expertOfStep = Array.from(timesteps, (timestep) => (isLowNoise(timestep) ? 1 : 0));
  return { blocks, steps: sampling.steps, stride, branches, contextLatents, expertOfStep, rightContext };
}

function expertTask(
  config: TransformerConfig,
  { folder, tensors }: ComponentWeights,
  { plan, dtype }: CommonTask,
  stage: number,
  device: Device,
): ExpertTask {
  const compute: Compute = { attention: device.kind, dtype };
  const { firstLayer, endLayer } = plan.stages[stage]!;
  const layers = { ...compute, firstLayer, endLayer, contextTokens: plan.contextLatents * plan.tokensPerLatent };
  const window = { frames: plan.windowLatents, height: plan.latentHeight, width: plan.latentWidth };
  const entry = () => ({
    time: timeGraph(config, tensors).bytes,
    context: contextGraph(config, tensors, compute).bytes,
    embed: embedGraph(config, tensors, window, compute).bytes,
  });
  return {
    folder,
    slice: sliceGraph(config, tensors, layers).bytes,
    crossKv: crossKvGraph(config, tensors, layers).bytes,
    entry: stage === 0 ? entry() : null,
    head: stage === plan.stages.length - 1 ? headGraph(config, tensors, window, compute).bytes : null,
  };
}

/** "stage 1 (layers 4–7 on cuda:1)", as errors name it. */
export function stageName({ stages }: Plan, stage: number): string {
  const { firstLayer, endLayer, device } = stages[stage]!;
  return `stage ${stage} (layers ${firstLayer}–${endLayer - 1} on ${device})`;
}
