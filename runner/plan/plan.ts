import type { JobSpec } from '#contract/job-spec.ts';
import type { ModelConfig } from '../model/config.ts';
import { tokensPerLatent } from '../model/embed.ts';
import { type BlockCut, cutIntoBlocks, latentsOfFrames } from './blocks.ts';
import { checkMemory, checkStages, checkWindow, type PlanDevice } from './checks.ts';
import { type StageMemory, stageMemory, type TransformerBytes } from './memory.ts';
import { iterationsOf, type RightContext } from './schedule.ts';
import { type LayerSlice, sliceLayers } from './slices.ts';
import { chooseStride } from './stride.ts';

/** The sampling of a run with every default of the model filled in. */
export interface ResolvedSampling {
  readonly scheduler: 'UniPC' | 'FlowMatchEuler';
  /** Highest order of the multistep rule. */
  readonly order: number;
  readonly steps: number;
  readonly flowShift: number;
  /** One scale per expert. */
  readonly guidanceScales: readonly number[];
  /** Timesteps at and above it belong to the first expert, lower ones to the second; null with one expert. */
  readonly boundaryTimestep: number | null;
  readonly rightContext: RightContext;
  /** Text tokens that the model sees, padding included. */
  readonly textTokens: number;
}

/** One stage: its layers, the bytes of its weights and of all its device memory, and what that memory holds. */
export interface PlanStage extends LayerSlice {
  readonly device: string;
  readonly weightBytes: number;
  readonly memoryBytes: number;
  readonly memory: StageMemory;
}

/** What a run will do: printable, and all that the pipeline needs to know of the specification. */
export interface Plan extends BlockCut {
  readonly frames: number;
  /** Iterations between the entries of two blocks: the left neighbour is so many steps ahead. */
  readonly stride: number;
  readonly iterations: number;
  /** Block-steps of the run: `blocks × steps`, each of `branches` items. */
  readonly blockSteps: number;
  /** Guidance branches of a block-step: 2, or 1 where no scale is above 1. */
  readonly branches: number;
  readonly experts: number;
  readonly latentChannels: number;
  readonly latentHeight: number;
  readonly latentWidth: number;
  readonly tokensPerLatent: number;
  readonly ringSlots: number;
  readonly sampling: ResolvedSampling;
  readonly stages: readonly PlanStage[];
  readonly warnings: readonly string[];
}

/** Pixels of a latent's side (Wan's VAE). */
const PIXELS_PER_LATENT = 8;
/** With two places between stages neither neighbour waits for the other while both work; more would only cost memory. */
const RING_SLOTS = 2;
const TRAIN_STEPS = 1000;

/**
 * Plans a run. `transformers` are the stored bytes of each expert; `devices` may be more than the stages need.
 * Throws the `E_PLAN_…` errors for what cannot run, before anything loads.
 */
export function planRun(
  spec: JobSpec,
  config: ModelConfig,
  transformers: readonly TransformerBytes[],
  devices: readonly PlanDevice[],
): Plan {
  const { gpus, blockLatents, contextLatents } = spec.parallelism;
  const { layers, latentChannels, maxPositions } = config.transformer;
  checkStages(gpus, layers, devices.length);
  const cut = cutIntoBlocks(latentsOfFrames(spec.frames), blockLatents, contextLatents);
  const warnings = checkWindow(cut.windowLatents - cut.contextLatents, cut.contextLatents, maxPositions);
  const sampling = resolveSampling(spec, config);
  const branches = sampling.guidanceScales.some((scale) => scale > 1) ? 2 : 1;
  const experts = sampling.guidanceScales.length;
  const latentHeight = spec.size.height / PIXELS_PER_LATENT;
  const latentWidth = spec.size.width / PIXELS_PER_LATENT;
  const perLatent = tokensPerLatent({ height: latentHeight, width: latentWidth });
  const slices = sliceLayers(layers, gpus);
  const memory = stageMemory(config.transformer, transformers, slices, {
    windowTokens: cut.windowLatents * perLatent,
    contextTokens: cut.contextLatents * perLatent,
    textTokens: sampling.textTokens,
    branches,
    experts,
    steps: sampling.steps,
    ringSlots: RING_SLOTS,
    bytesPerNumber: 4,
  });
  checkMemory(memory, slices, devices);
  const stride = chooseStride(
    {
      blocks: cut.blocks,
      steps: sampling.steps,
      branches,
      contextLatents: cut.contextLatents,
      stages: gpus,
      ringSlots: RING_SLOTS,
    },
    spec.parallelism.stride,
  );
  return {
    ...cut,
    frames: spec.frames,
    stride,
    iterations: iterationsOf({ blocks: cut.blocks, steps: sampling.steps, stride }),
    blockSteps: cut.blocks * sampling.steps,
    branches,
    experts,
    latentChannels,
    latentHeight,
    latentWidth,
    tokensPerLatent: perLatent,
    ringSlots: RING_SLOTS,
    sampling,
    stages: slices.map((slice, stage) => ({
      ...slice,
      device: devices[stage]!.name,
      weightBytes: memory[stage]!.weights,
      memoryBytes: memory[stage]!.total,
      memory: memory[stage]!,
    })),
    warnings,
  };
}

/** What the spec leaves open comes from the model; with two experts each gets a scale. */
function resolveSampling({ sampling }: JobSpec, { scheduler, boundaryRatio }: ModelConfig): ResolvedSampling {
  const rule = sampling.scheduler ?? scheduler.kind;
  const scale = sampling.guidanceScale;
  const twoExperts = boundaryRatio !== null;
  return {
    scheduler: rule,
    order: rule === scheduler.kind ? scheduler.order : 2,
    steps: sampling.steps,
    flowShift: sampling.flowShift ?? scheduler.flowShift,
    guidanceScales: twoExperts ? [scale, sampling.guidanceScale2 ?? scale] : [scale],
    boundaryTimestep: twoExperts ? boundaryRatio * TRAIN_STEPS : null,
    rightContext: 'same-expert',
    textTokens: sampling.maxSequenceLength,
  };
}
