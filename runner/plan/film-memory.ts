import { contextGraph, timeGraph } from '../model/condition.ts';
import type { ModelConfig } from '../model/config.ts';
import { embedGraph } from '../model/embed.ts';
import type { TensorIndex } from '../model/graph.ts';
import { headGraph } from '../model/head.ts';
import { crossKvGraph, sliceGraph } from '../model/layers.ts';
import type { Compute } from '../model/ops.ts';
import { bytesPerElement } from '../tensor.ts';
import type { Lengths } from './execution.ts';
import type { StageMemory } from './memory.ts';
import type { Plan } from './plan.ts';
import { type Loading, type SessionMemory, sessionMemory, sumOfSessions } from './session-memory.ts';

/** What the memory of a film's stages depends on besides its plan. `experts` are the tensors of each transformer. */
export interface StagesInput {
  readonly plan: Plan;
  readonly config: ModelConfig;
  readonly experts: readonly TensorIndex[];
  readonly compute: Compute;
  /** Threads within an operator, on a processor. */
  readonly threads: number;
  /** Blocks that are in flight at most. */
  readonly places: number;
}

/** Memory of a stage that is at work, in bytes, by what it is for. */
export interface StageUse extends Omit<StageMemory, 'weights'>, SessionMemory {
  /** What its beginning takes for a while: embedders of timesteps and texts, and the layers' view of the prompts. */
  readonly starting: number;
  /** On a device: angles of all positions, keys and values of the window where all layers write them, and the last stage's states of blocks. */
  readonly tables: number;
}

/** Of a block in flight: its sample before and after a step, predictions of both branches, and what the sampler keeps. */
const STATE_ARRAYS = 7;
const FLOAT32_BYTES = 4;

/** Memory of each stage of a film. */
export function stageUses({ plan, config, experts, compute, threads, places }: StagesInput): readonly StageUse[] {
  const { transformer } = config;
  const { tokensPerLatent, latentHeight: height, latentWidth: width } = plan;
  const contextTokens = plan.contextLatents * tokensPerLatent;
  const loading: Loading = { kind: compute.attention, threads, prepack: true };
  const reusesLeft = plan.leftContext === 'reuse';
  const windows = [
    ...new Set([plan.windowLatents, reusesLeft && plan.blocks > 1 ? plan.blockLatents : plan.windowLatents]),
  ];
  const text = { L: plan.sampling.textTokens };
  const runs = windows.flatMap((latents): readonly Lengths[] => {
    const lengths = { ...text, S: latents * tokensPerLatent, P: reusesLeft ? contextTokens : 0 };
    return plan.blocks > 1
      ? [
          { ...lengths, R: 0 },
          { ...lengths, R: contextTokens },
        ]
      : [{ ...lengths, R: 0 }];
  });
  const lines = plan.stages[0]!.branch === null ? 1 : 2;
  const perLine = plan.stages.length / lines;
  const isLastOf = (index: number) => index % perLine === perLine - 1;
  return plan.stages.map((stage, index) => {
    const isFirst = index % perLine === 0;
    const isLast = isLastOf(index);
    const ofExpert = (tensors: TensorIndex) => {
      const options = { ...compute, firstLayer: stage.firstLayer, endLayer: stage.endLayer, contextTokens, reusesLeft };
      const session = (graph: Parameters<typeof sessionMemory>[0], lengths: readonly Lengths[] = [{}]) =>
        sessionMemory(graph, lengths, loading);
      const windowed = (graphOf: typeof embedGraph | typeof headGraph) =>
        windows.map((frames) => session(graphOf(transformer, tensors, { frames, height, width }, compute)));
      const kept = [
        session(sliceGraph(transformer, tensors, options), runs),
        ...(isFirst ? windowed(embedGraph) : []),
        ...(isLast ? windowed(headGraph) : []),
      ];
      const entry = [
        session(timeGraph(transformer, tensors), [{ T: plan.sampling.steps }]),
        session(contextGraph(transformer, tensors, compute), [text]),
      ];
      const passing = [session(crossKvGraph(transformer, tensors, options), [text]), ...(index === 0 ? entry : [])];
      return { kept, passing: Math.max(...passing.map((one) => one.weights + one.working)) };
    };
    const all = experts.map(ofExpert);
    const { weights: _, ...keeps } = stage.memory;
    const positions = (plan.windowLatents + plan.contextLatents) * tokensPerLatent;
    const angles = positions * transformer.headWidth * FLOAT32_BYTES;
    const joint = 2 * positions * transformer.width * bytesPerElement(compute.dtype);
    const sample = transformer.latentChannels * plan.windowLatents * height * width * FLOAT32_BYTES;
    const states = isLastOf(index) ? STATE_ARRAYS * places * sample : 0;
    return {
      ...keeps,
      ...sumOfSessions(all.flatMap(({ kept }) => kept)),
      starting: Math.max(...all.map(({ passing }) => passing)),
      tables: compute.attention === 'cuda' ? angles + joint + states : 0,
    };
  });
}

/** Bytes of a stage that is at work; while it starts, its graphs have not run yet. */
export function bytesOfStage({
  weights,
  prompt,
  featureCache,
  leftCache,
  hidden,
  working,
  starting,
  loading,
  tables,
}: StageUse): number {
  return tables + weights + prompt + featureCache + leftCache + hidden + Math.max(working, starting, loading);
}
