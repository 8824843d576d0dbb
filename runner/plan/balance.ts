import { type LayerSlice, paceOf, stageTimes } from './slices.ts';
import type { RunWork } from './work.ts';

/** What the decoder adds to the last stage, and on what kind of device. */
export interface BalanceSettings {
  readonly stages: number;
  /** Stages that an item passes: all, or half of them where each guidance branch has its own. */
  readonly stagesOfLine: number;
  readonly work: RunWork;
  /** Latents that leave the pipeline for each item that the last stage computes. */
  readonly latentsPerItem: number;
  /** Time of an operation of the decoder in that of one of a layer; 0 where decoding has a processor to itself or shares one with all stages. */
  readonly decoderSlowness: number;
}

/** How the time of a run divides among its devices once the pipeline is full. */
export interface Balance {
  /** Share of the slowest device's time that each is at work, in stage order; the decoder's is in the last one's. */
  readonly busyShares: readonly number[];
  /** Their mean: what is lost to 1 is lost to the cut, whatever the schedule does. */
  readonly busyShare: number;
  /** The slowest stage's time for an item, in the time of one layer. */
  readonly pace: number;
  /** Part of the last device's time at work that is decoding. */
  readonly decodingShare: number;
}

/** What the stages of a line do besides their layers, in the time of one layer. The decoder shares the last stage's device. */
export function besidesLayers(settings: BalanceSettings): readonly number[] {
  const { stagesOfLine, work } = settings;
  return Array.from({ length: stagesOfLine }, (_, stage) => {
    const embed = stage === 0 ? work.embed / work.layer : 0;
    const isLast = stage === stagesOfLine - 1;
    return embed + (isLast ? work.head / work.layer + decodingTime(settings) : 0);
  });
}

function decodingTime({ work, latentsPerItem, decoderSlowness }: BalanceSettings): number {
  return (decoderSlowness * latentsPerItem * work.decodedLatent) / work.layer;
}

/** The balance of a cut. With two lines, both have it, and only one has the decoder. */
export function balanceOf(slices: readonly LayerSlice[], settings: BalanceSettings): Balance {
  const { stages, stagesOfLine } = settings;
  const besides = besidesLayers(settings);
  const times = stageTimes(slices, besides);
  const pace = paceOf(slices, besides);
  const decoding = decodingTime(settings);
  const busyShares = Array.from({ length: stages }, (_, stage) => {
    const time = times[stage % stagesOfLine]!;
    const hasDecoder = stage === stages - 1 || stage % stagesOfLine < stagesOfLine - 1;
    return (hasDecoder ? time : time - decoding) / pace;
  });
  return {
    busyShares,
    busyShare: busyShares.reduce((sum, share) => sum + share, 0) / stages,
    pace,
    decodingShare: decoding / times.at(-1)!,
  };
}
