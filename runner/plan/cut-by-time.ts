import type { FilmPrecision } from '#contract/result.ts';
import type { ModelConfig } from '../model/config.ts';
import { type Balance, balanceOf, timesOf } from './balance.ts';
import type { BlockCut } from './blocks.ts';
import { cutWithDecoder, type WholeCut } from './decoder-cut.ts';
import { processorParts } from './processor-parts.ts';
import { itemsOf, type ScheduleSettings } from './schedule.ts';
import { decoderSlowness, measuredSpeed } from './speeds.ts';
import { type WorkSizes, workOf } from './work.ts';

/** A device as the plan sees it. */
export interface PlanDevice {
  readonly name: string;
  /** `cuda`: it computes beside the others; all of `cpu` (where nothing is said) share one processor. */
  readonly kind?: 'cpu' | 'cuda';
  /** The whole card that it is. */
  readonly card?: string;
}

/** A run whose layers and decoder are to be cut. */
export interface UncutRun {
  readonly config: ModelConfig;
  readonly cut: BlockCut;
  readonly sizes: WorkSizes;
  readonly schedule: ScheduleSettings;
  readonly stages: number;
  /** 2 where each guidance branch has half of the stages. */
  readonly lines: number;
  /** Those of the stages, all of one kind. */
  readonly devices: readonly PlanDevice[];
  readonly precision: FilmPrecision;
  readonly options: CutOptions;
}

/** What decides how the decoder is cut, besides time. */
export interface CutOptions {
  /** Of the processor, where that is what computes; 1 unless said. */
  readonly cores?: number;
  /** The decoder in one piece, which is slower and takes less memory in all. */
  readonly isUndivided?: boolean;
}

/** Layers and decoder cut by modelled time, and what comes of it. */
export interface TimedCut extends WholeCut {
  readonly balance: Balance;
  /** The slowest device's time for an item where all devices are cards whose speed was measured; else null. */
  readonly secondsPerItem: number | null;
}

/**
 * Cuts the layers, and on cards the decoder, so that the slowest device is as fast as it can be: layers, embed, head, and its part of the
 * decoder. On a processor that all stages share, where the decoder runs makes no difference: it is cut so that all cores are at work.
 */
export function cutByTime(uncut: UncutRun): TimedCut {
  const { config, cut, sizes, schedule, stages, lines, devices, precision } = uncut;
  const { cores = 1 } = uncut.options;
  // Parts work at several latents at once.
  const isUndivided = uncut.options.isUndivided === true || cut.latents === 1;
  const isOnCards = devices[0]!.kind === 'cuda';
  const work = workOf(config, sizes);
  const { layers, width } = config.transformer;
  const run = timesOf({
    layers,
    lines,
    stagesOfLine: stages / lines,
    work,
    latentsPerItem: (cut.blockLatents * cut.blocks * lines) / itemsOf(schedule),
    decoderSlowness: isOnCards ? decoderSlowness(precision) : 0,
  });
  const whole = cutWithDecoder(run, isUndivided);
  const balance = balanceOf(whole, run);
  const cards = devices.map(({ card }) => card);
  const speed = measuredSpeed(cards, { type: precision.sampling, width, tokens: sizes.windowTokens });
  const secondsPerItem = speed === undefined ? null : (balance.pace * work.layer) / speed.layers;
  const picture = { height: sizes.latentHeight, width: sizes.latentWidth };
  const ofProcessor = () =>
    processorParts(config.vae, picture, precision, isUndivided ? 1 : cores).map((units) => ({
      stage: stages - 1,
      ...units,
    }));
  return { ...whole, ...(isOnCards ? {} : { decoderParts: ofProcessor() }), balance, secondsPerItem };
}
