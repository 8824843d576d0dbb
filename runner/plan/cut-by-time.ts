import type { FilmPrecision } from '#contract/result.ts';
import type { ModelConfig } from '../model/config.ts';
import { allUnits, type UnitRange } from '../model/vae-units.ts';
import { type Balance, balanceOf, besidesLayers } from './balance.ts';
import type { BlockCut } from './blocks.ts';
import { itemsOf, type ScheduleSettings } from './schedule.ts';
import { balanceLayers, type LayerSlice } from './slices.ts';
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

/** A run whose layers are to be cut. */
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
}

/** A part of the decoder, on a stage's device. */
export interface DecoderPart extends UnitRange {
  readonly stage: number;
}

/** Slices by modelled time, and what comes of them. */
export interface TimedCut {
  /** Those of one line. */
  readonly slices: readonly LayerSlice[];
  /** In the order in which a latent passes them, each on another stage's device. */
  readonly decoderParts: readonly DecoderPart[];
  readonly balance: Balance;
  /** The slowest stage's time for an item where all devices are cards whose speed was measured; else null. */
  readonly secondsPerItem: number | null;
}

/**
 * Cuts the layers so that the slowest device is as fast as it can be: layers, embed, head, and on the last device the decoder. On a
 * processor that all stages share, where the decoder runs makes no difference.
 */
export function cutByTime({ config, cut, sizes, schedule, stages, lines, devices, precision }: UncutRun): TimedCut {
  const work = workOf(config, sizes);
  const settings = {
    stages,
    stagesOfLine: stages / lines,
    work,
    latentsPerItem: (cut.blockLatents * cut.blocks * lines) / itemsOf(schedule),
    decoderSlowness: devices[0]!.kind === 'cuda' ? decoderSlowness(precision) : 0,
  };
  const { layers, width } = config.transformer;
  const slices = balanceLayers(layers, besidesLayers(settings));
  const balance = balanceOf(slices, settings);
  const cards = devices.map(({ card }) => card);
  const speed = measuredSpeed(cards, { type: precision.sampling, width, tokens: sizes.windowTokens });
  return {
    slices,
    decoderParts: [{ stage: stages - 1, ...allUnits(config.vae) }],
    balance,
    secondsPerItem: speed === undefined ? null : (balance.pace * work.layer) / speed.layers,
  };
}
