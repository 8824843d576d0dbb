import type { UnitRange } from '../model/vae-units.ts';
import { packer, type RunTimes } from './packing.ts';
import { balanceLayers, fastestSlices, type LayerSlice, paceOf, WORTH } from './slices.ts';

/** A part of the decoder, on a stage's device: on cards each on another one, on a processor all with the last stage. */
export interface DecoderPart extends UnitRange {
  readonly stage: number;
}

/** Slices of the layers, those of one line, and parts of the decoder. */
export interface WholeCut {
  readonly slices: readonly LayerSlice[];
  /** In the order in which a latent passes them. */
  readonly decoderParts: readonly DecoderPart[];
}

/** The best pace is found to a part in 2²⁴ of the one with an undivided decoder. */
const BISECTIONS = 24;

/**
 * Cuts layers and decoder so that the slowest device is as fast as it can be, with as few parts of the decoder as come within 1 % of that:
 * with each part a latent passes one device more. Every stage has a layer at least. Where an undivided decoder on the last device is as
 * good, or is asked for, the layers are cut around it.
 */
export function cutWithDecoder(run: RunTimes, isUndivided = false): WholeCut {
  const { layers, units } = run;
  const decoderParts = partsOf(run, [units.length]);
  const besides = besidesLayers(run, decoderParts);
  const slices = balanceLayers(layers, besides);
  if (isUndivided || units.every((time) => time === 0)) return { slices, decoderParts };
  const pace = paceOf(slices, besides);
  const packAt = packer(run);
  const best = leastPace(pace, (one) => packAt(one).some((packed) => packed.layers >= layers));
  if ((1 - WORTH) * pace <= best) return { slices, decoderParts };
  const fewest = packAt(best / (1 - WORTH)).findIndex((packed) => packed.layers >= layers);
  const bestOfFewest = leastPace(pace, (one) => packAt(one)[fewest]!.layers >= layers);
  const spread = partsOf(run, packAt(bestOfFewest)[fewest]!.ends);
  return { slices: fastestSlices(layers, besidesLayers(run, spread)), decoderParts: spread };
}

/** What decoding takes of each device, in stage order. */
export function decodingTimes({ lines, besides, units }: RunTimes, parts: readonly DecoderPart[]): readonly number[] {
  const times = new Array<number>(lines * besides.length).fill(0);
  for (const { stage, firstUnit, endUnit } of parts) {
    times[stage] = units.slice(firstUnit, endUnit).reduce((sum, time) => sum + time, 0);
  }
  return times;
}

/** The parts on the last devices, of two lines on those of either in turn. */
function partsOf({ lines, besides }: RunTimes, ends: readonly number[]): readonly DecoderPart[] {
  const stages = besides.length;
  const inTurn = besides.flatMap((_, stage) => Array.from({ length: lines }, (_, line) => line * stages + stage));
  return inTurn
    .slice(-ends.length)
    .map((stage, part) => ({ stage, firstUnit: part === 0 ? 0 : ends[part - 1]!, endUnit: ends[part]! }));
}

/** What the stages of a line do besides their layers: of two lines the one that decodes more. */
function besidesLayers(run: RunTimes, parts: readonly DecoderPart[]): readonly number[] {
  const decoding = decodingTimes(run, parts);
  const stages = run.besides.length;
  return run.besides.map(
    (time, stage) => time + Math.max(...decoding.filter((_, device) => device % stages === stage)),
  );
}

/** The least pace that can be kept; `pace` can. */
function leastPace(pace: number, canKeep: (pace: number) => boolean): number {
  let [low, high] = [0, pace];
  for (let left = BISECTIONS; left > 0; left--) {
    const middle = (low + high) / 2;
    if (canKeep(middle)) high = middle;
    else low = middle;
  }
  return high;
}
