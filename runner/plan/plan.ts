import type { JobSpec } from '#contract/job-spec.ts';
import type { FilmPrecision } from '#contract/result.ts';
import type { ModelConfig } from '../model/config.ts';
import { tokensPerLatent } from '../model/embed.ts';
import { FLOAT_TYPES } from '../model/float-types.ts';
import { bytesPerElement } from '../tensor.ts';
import type { Balance } from './balance.ts';
import { type BlockCut, cutIntoBlocks, latentsOfFrames } from './blocks.ts';
import { checkStages, checkWindow } from './checks.ts';
import { type CutOptions, cutByTime, type PlanDevice } from './cut-by-time.ts';
import type { DecoderPart } from './decoder-cut.ts';
import { planError } from './errors.ts';
import { leftPlaces } from './left-places.ts';
import { type StageMemory, stageMemory, type TransformerBytes } from './memory.ts';
import { scheduleOf } from './plan-schedule.ts';
import { FLOAT32 } from './precision.ts';
import { type ResolvedSampling, resolveSampling } from './sampling.ts';
import { itemsOf, iterationsOf, type LeftContext, type ScheduleSettings } from './schedule.ts';
import type { LayerSlice } from './slices.ts';
import { chooseStride, strideOutlook } from './stride.ts';
import { intervalWarnings, whyUnguided } from './unguided.ts';

/** One stage: its layers, the stored bytes of its weights, and what it keeps in memory. */
export interface PlanStage extends LayerSlice {
  /** The guidance branch whose items it computes; null: all of them. */
  readonly branch: number | null;
  readonly device: string;
  readonly weightBytes: number;
  readonly memory: StageMemory;
}

/** What a run will do: printable, and all that the pipeline needs to know of the specification. */
export interface Plan extends BlockCut {
  readonly frames: number;
  /** Iterations between the entries of two blocks: the left neighbour is so many steps ahead. */
  readonly stride: number;
  readonly iterations: number;
  /** Block-steps of the run: `blocks × steps`, of an item or two each. */
  readonly blockSteps: number;
  /** Guidance branches of a guided block-step: 2, or 1 where no step is guided. */
  readonly branches: number;
  /** Items of the run: a block-step is one, or two where it is guided. */
  readonly items: number;
  readonly leftContext: LeftContext;
  readonly experts: number;
  readonly latentChannels: number;
  readonly latentHeight: number;
  readonly latentWidth: number;
  readonly tokensPerLatent: number;
  readonly ringSlots: number;
  readonly sampling: ResolvedSampling;
  /** Number formats of the model's matrix work and of the video decoder. */
  readonly precision: FilmPrecision;
  readonly stages: readonly PlanStage[];
  /** Where the decoder is, in the order in which a latent passes its parts. */
  readonly decoderParts: readonly DecoderPart[];
  readonly balance: Balance;
  /** From the first item to the last, where the devices' speed was measured; else null. */
  readonly expectedSeconds: number | null;
  readonly warnings: readonly string[];
}

/** Pixels of a latent's side (Wan's VAE). */
const PIXELS_PER_LATENT = 8;
/** With two places between stages neither neighbour waits for the other while both work; more would only cost memory. */
const RING_SLOTS = 2;

/**
 * Plans a run. `transformers` are the stored bytes of each expert; `devices` may be more than the stages need;
 * `precision`: as `resolvePrecision` gives it, float32 where absent; `options`: how the decoder is cut.
 * Throws the `E_PLAN_…` errors for what cannot run, before anything loads.
 */
export function planRun(
  spec: JobSpec,
  config: ModelConfig,
  transformers: readonly TransformerBytes[],
  devices: readonly PlanDevice[],
  precision: FilmPrecision = FLOAT32,
  options: CutOptions = {},
): Plan {
  const { gpus, blockLatents, contextLatents, guidanceParallel } = spec.parallelism;
  const { layers, latentChannels, maxPositions } = config.transformer;
  const lines = guidanceParallel ? 2 : 1;
  checkStages(gpus, layers, lines, devices.length);
  const cut = cutIntoBlocks(latentsOfFrames(spec.frames), blockLatents, contextLatents);
  const windowWarnings = checkWindow(cut.windowLatents - cut.contextLatents, cut.contextLatents, maxPositions);
  const sampling = resolveSampling(spec, config);
  const leftContext = cut.blocks > 1 && cut.contextLatents > 0 ? spec.parallelism.leftContext : 'recompute';
  const unstrided = { ...cut, branches: 2, leftContext, sampling, stride: 1 };
  const branches = Math.max(...scheduleOf(unstrided).branchesOfStep!);
  if (guidanceParallel && branches === 1) {
    throw planError('E_PLAN_GUIDANCE_PARALLEL', { why: whyUnguided(sampling) });
  }
  const run = { ...scheduleOf({ ...unstrided, branches }), stages: gpus, ringSlots: RING_SLOTS, guidanceParallel };
  const stride = chooseStride(run, spec.parallelism.stride);
  const schedule = scheduleOf({ ...unstrided, branches, stride });
  const experts = sampling.guidanceScales.length;
  const latentHeight = spec.size.height / PIXELS_PER_LATENT;
  const latentWidth = spec.size.width / PIXELS_PER_LATENT;
  const perLatent = tokensPerLatent({ height: latentHeight, width: latentWidth });
  const tokens = {
    windowTokens: cut.windowLatents * perLatent,
    contextTokens: cut.contextLatents * perLatent,
    textTokens: sampling.textTokens,
  };
  const { slices, decoderParts, balance, secondsPerItem } = cutByTime({
    config,
    cut,
    sizes: { ...tokens, latentHeight, latentWidth },
    schedule,
    stages: gpus,
    lines,
    devices: devices.slice(0, gpus),
    precision,
    options,
  });
  // A run is so many times as long as the slowest stage is at an item; of two lines each has half of the stages.
  const itemTimes = strideOutlook(run, stride).duration / lines;
  const memory = stageMemory(config.transformer, transformers, slices, {
    ...tokens,
    branches: branches / lines,
    leftPlaces: leftContext === 'reuse' ? placesPerStage(schedule, lines) : 0,
    experts,
    ringSlots: RING_SLOTS,
    bytesPerNumber: bytesPerElement(FLOAT_TYPES[precision.sampling]),
  });
  const stages = Array.from({ length: gpus }, (_, stage) => ({
    ...slices[stage % slices.length]!,
    branch: guidanceParallel ? Math.floor(stage / slices.length) : null,
    memory: memory[stage % slices.length]!,
  }));
  return {
    ...cut,
    frames: spec.frames,
    stride,
    iterations: iterationsOf({ blocks: cut.blocks, steps: sampling.steps, stride }),
    blockSteps: cut.blocks * sampling.steps,
    items: itemsOf(schedule),
    branches,
    leftContext,
    experts,
    latentChannels,
    latentHeight,
    latentWidth,
    tokensPerLatent: perLatent,
    ringSlots: RING_SLOTS,
    sampling,
    precision,
    stages: stages.map((stage, index) => ({
      ...stage,
      device: devices[index]!.name,
      weightBytes: stage.memory.weights,
    })),
    decoderParts,
    balance,
    expectedSeconds: secondsPerItem === null ? null : itemTimes * secondsPerItem,
    warnings: [...windowWarnings, ...intervalWarnings(sampling, branches)],
  };
}

/** Places for what waits for the right neighbour, on the stage that has most of them. */
function placesPerStage(schedule: ScheduleSettings, lines: number): number {
  const { countOf } = leftPlaces(schedule);
  return lines > 1 ? Math.max(...countOf) : countOf.reduce((sum, count) => sum + count, 0);
}
