import type { NoiseSource } from '../diffusion/noise-pool.ts';
import { contextGraph, timeGraph } from '../model/condition.ts';
import type { ModelConfig, TransformerConfig } from '../model/config.ts';
import { embedGraph } from '../model/embed.ts';
import { headGraph } from '../model/head.ts';
import { crossKvGraph, sliceGraph } from '../model/layers.ts';
import type { Compute } from '../model/ops.ts';
import type { Device } from '../ort/device.ts';
import type { Plan } from '../plan/plan.ts';
import { scheduleOf } from '../plan/plan-schedule.ts';
import type { ScheduleSettings } from '../plan/schedule.ts';
import type { F32Tensor, FloatType } from '../tensor.ts';
import type { ComponentWeights } from '../weights/shards.ts';
import type { SharedMemory } from './layout.ts';
import { lineOf } from './line.ts';
import { windowOf } from './window.ts';

/** A graph per size of window, by the window's latents. */
export type WindowGraphs = ReadonlyMap<number, Uint8Array>;

/** The graphs that one stage runs for one expert, as ONNX bytes over the files in `folder`. */
export interface ExpertTask {
  readonly folder: string;
  readonly slice: Uint8Array;
  readonly crossKv: Uint8Array;
  /** The first stage's: prompts and timesteps (once, at the start, on stage 0) and patches. */
  readonly entry: { readonly time: Uint8Array; readonly context: Uint8Array; readonly embed: WindowGraphs } | null;
  /** The last stage's: velocities. */
  readonly heads: WindowGraphs | null;
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
  /** The iteration that the run begins with: 0, or the one after that of the states it goes on with (resume.ts). */
  readonly firstIteration: number;
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
  const { stages } = common.plan;
  const capability = oldestCapability(devices.slice(0, stages.length));
  return stages.map((_, stage) => {
    const experts = weights.map((expert) => expertTask(transformer, expert, common, { stage, capability }));
    return { ...common, stage, device: devices[stage]!, schedule, transformer, experts };
  });
}

/** By which all stages choose their operators, so that layers are the same graphs wherever they are cut; undefined where none is known. */
function oldestCapability(devices: readonly Device[]): number | undefined {
  const known = devices.flatMap(({ capability }) => (capability === undefined ? [] : [capability]));
  return known.length === 0 ? undefined : Math.min(...known);
}

function expertTask(
  config: TransformerConfig,
  { folder, tensors }: ComponentWeights,
  { plan, dtype, shared }: CommonTask,
  { stage, capability }: { readonly stage: number; readonly capability: number | undefined },
): ExpertTask {
  // Graphs for CUDA go with numbers kept as there; the processor can run them too.
  const attention = shared.statePlaces === null ? 'cpu' : 'cuda';
  const compute: Compute = { attention, dtype, ...(capability === undefined ? {} : { capability }) };
  const { firstLayer, endLayer } = plan.stages[stage]!;
  const contextTokens = plan.contextLatents * plan.tokensPerLatent;
  const layers = { ...compute, firstLayer, endLayer, contextTokens, reusesLeft: plan.leftContext === 'reuse' };
  const line = lineOf(plan, stage);
  const perWindow = (graphOf: typeof embedGraph | typeof headGraph): WindowGraphs => {
    const sizes = new Set([windowOf(plan, 0), windowOf(plan, 1)]);
    const sized = (frames: number) => ({ frames, height: plan.latentHeight, width: plan.latentWidth });
    return new Map([...sizes].map((latents) => [latents, graphOf(config, tensors, sized(latents), compute).bytes]));
  };
  const entry = () => ({
    time: timeGraph(config, tensors).bytes,
    context: contextGraph(config, tensors, compute).bytes,
    embed: perWindow(embedGraph),
  });
  return {
    folder,
    slice: sliceGraph(config, tensors, layers).bytes,
    crossKv: crossKvGraph(config, tensors, layers).bytes,
    entry: stage === line.first ? entry() : null,
    heads: stage === line.last ? perWindow(headGraph) : null,
  };
}

/** "stage 1 (layers 4–7 on cuda:1)", as errors name it. */
export function stageName({ stages }: Plan, stage: number): string {
  const { firstLayer, endLayer, device } = stages[stage]!;
  return `stage ${stage} (layers ${firstLayer}–${endLayer - 1} on ${device})`;
}
