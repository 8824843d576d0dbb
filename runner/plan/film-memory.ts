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
import { arenaFor, type Loading, type SessionMemory, sessionMemory, sum, sumOfSessions } from './session-memory.ts';

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
  /**
   * On a device: angles of all positions, the steps' modulation, keys and values of the window where all layers write them, samples that
   * the first stage embeds, and the last stage's velocities and states of blocks.
   */
  readonly tables: number;
}

/** Of a block in flight: its sample before and after a step, predictions of both branches, and what the sampler keeps. */
const STATE_ARRAYS = 7;
const FLOAT32_BYTES = 4;
/** Rows of the table of modulation per step (pipeline/layout.ts). */
const MODULATION_ROWS = 7;

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
    // On a device the graphs of a stage, which run one after another, share an arena.
    const arena = compute.attention === 'cuda' ? arenaFor('cuda') : undefined;
    const ofExpert = (tensors: TensorIndex) => {
      const options = { ...compute, firstLayer: stage.firstLayer, endLayer: stage.endLayer, contextTokens, reusesLeft };
      const session = (graph: Parameters<typeof sessionMemory>[0], lengths: readonly Lengths[] = [{}]) =>
        sessionMemory(graph, lengths, loading);
      const work = (graph: Parameters<typeof sessionMemory>[0], lengths: readonly Lengths[] = [{}]) =>
        sessionMemory(graph, lengths, loading, arena);
      const windowed = (graphOf: typeof embedGraph | typeof headGraph) =>
        windows.map((frames) => work(graphOf(transformer, tensors, { frames, height, width }, compute)));
      const kept = [
        ...(isFirst ? windowed(embedGraph) : []),
        work(sliceGraph(transformer, tensors, options), runs),
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
    const rooms = roomsOnDevice({ plan, config, places, isFirst, isLast, windows, experts: experts.length, compute });
    return {
      ...keeps,
      ...(compute.attention === 'cuda' ? rooms : { tables: 0 }),
      ...sumOfSessions(all.flatMap(({ kept }) => kept)),
      starting: Math.max(...all.map(({ passing }) => passing)),
    };
  });
}

/** What a stage's memory on a device depends on, besides its graphs. */
interface Rooms extends Pick<StagesInput, 'plan' | 'config' | 'places' | 'compute'> {
  /** Of its line. */
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** Latents of the windows that there are. */
  readonly windows: readonly number[];
  readonly experts: number;
}

/** Memory of a device that a stage takes for itself, one room for each of its `room` and `put` (pipeline/residence.ts). */
function roomsOnDevice({ plan, config, places, isFirst, isLast, windows, experts, compute }: Rooms) {
  const { headWidth, width, latentChannels } = config.transformer;
  const { windowLatents, blockLatents, contextLatents, tokensPerLatent, branches, ringSlots } = plan;
  const positions = (windowLatents + contextLatents) * tokensPerLatent;
  const bytes = bytesPerElement(compute.dtype);
  const latent = latentChannels * plan.latentHeight * plan.latentWidth * FLOAT32_BYTES;
  const ofWindows = sum(windows);
  const angles = positions * headWidth * FLOAT32_BYTES;
  const joint = 2 * positions * width * bytes;
  const modulation = plan.sampling.steps * MODULATION_ROWS * width * FLOAT32_BYTES;
  // What is embedded, and the sample that was fetched of the last stage's device.
  const samples = isFirst ? ofWindows + windowLatents : 0;
  const states = isLast ? STATE_ARRAYS * (windowLatents + (places - 1) * blockLatents) + branches * ofWindows : 0;
  const incoming = isFirst ? experts * ofWindows : windowLatents;
  const outgoing = isLast ? ofWindows : ringSlots * windowLatents;
  return {
    tables: angles + joint + modulation + (samples + states) * latent,
    hidden: (incoming + outgoing) * tokensPerLatent * width * bytes,
  };
}

/** Bytes that a stage holds whatever it is at. */
export function heldByStage({ weights, prompt, featureCache, leftCache, hidden, tables }: StageUse): number {
  return tables + weights + prompt + featureCache + leftCache + hidden;
}

/** Bytes of a stage that is at work; while it starts, its graphs have not run yet. */
export function bytesOfStage(use: StageUse): number {
  return heldByStage(use) + Math.max(use.working, use.starting, use.loading);
}
