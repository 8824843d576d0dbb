import { decodingTimes, type WholeCut } from './decoder-cut.ts';
import type { RunTimes } from './packing.ts';
import type { RunWork } from './work.ts';

/** What is decoded beside the layers, and on what kind of device. */
export interface BalanceSettings {
  readonly layers: number;
  /** 2 where each guidance branch has stages of its own. */
  readonly lines: number;
  /** Stages that an item passes. */
  readonly stagesOfLine: number;
  readonly work: RunWork;
  /** Latents that leave the pipeline for each item that the last stage computes. */
  readonly latentsPerItem: number;
  /** Time of an operation of the decoder in that of one of a layer; 0 where decoding has a processor to itself or shares one with all stages. */
  readonly decoderSlowness: number;
}

/** How the time of a run divides among its devices once the pipeline is full. */
export interface Balance {
  /** Share of the slowest device's time that each is at work, in stage order, with its part of the decoder. */
  readonly busyShares: readonly number[];
  /** Their mean: what is lost to 1 is lost to the cut, whatever the schedule does. */
  readonly busyShare: number;
  /** The slowest device's time for an item, in the time of one layer. */
  readonly pace: number;
  /** Part of each device's time at work that is decoding, in stage order. */
  readonly decodingShares: readonly number[];
}

/** What there is to cut, in the time of one layer. */
export function timesOf({
  layers,
  lines,
  stagesOfLine,
  work,
  latentsPerItem,
  decoderSlowness,
}: BalanceSettings): RunTimes {
  const besides = Array.from({ length: stagesOfLine }, (_, stage) => {
    const embed = stage === 0 ? work.embed / work.layer : 0;
    return stage === stagesOfLine - 1 ? embed + work.head / work.layer : embed;
  });
  const units = work.units.map((unit) => (decoderSlowness * latentsPerItem * unit) / work.layer);
  return { layers, lines, besides, units };
}

/** The balance of a cut. */
export function balanceOf({ slices, decoderParts }: WholeCut, run: RunTimes): Balance {
  const decoding = decodingTimes(run, decoderParts);
  const times = decoding.map((time, stage) => {
    const { firstLayer, endLayer } = slices[stage % slices.length]!;
    return endLayer - firstLayer + run.besides[stage % slices.length]! + time;
  });
  const pace = Math.max(...times);
  return {
    busyShares: times.map((time) => time / pace),
    busyShare: times.reduce((sum, time) => sum + time, 0) / (times.length * pace),
    pace,
    decodingShares: times.map((time, stage) => decoding[stage]! / time),
  };
}
