import type { FilmPrecision } from '#contract/result.ts';
import type { VaeConfig } from '../model/config.ts';
import { FLOAT_TYPES } from '../model/float-types.ts';
import { vaeThreads } from '../model/vae-decoder.ts';
import { type UnitRange, type VaeUnit, vaeUnits } from '../model/vae-units.ts';
import { decoderWork } from './work.ts';

/** More threads than this are of no use: a single unit is a sixth of the decoder's time. */
const MOST_CORES = 4;
/** By minimal filtering a frame costs this share of its operations, by the frames that are convolved together (model/minimal-filter.ts). */
const FILTERED: Readonly<Record<number, number>> = { 1: 1, 2: 2 / 3, 4: 1 / 2 };
/** Measured, on two AMD cores with AVX-512: writing a number between convolutions takes the time of so many operations in them. */
const OPERATIONS_PER_NUMBER = 3500;

/**
 * Parts of the decoder on a processor: where convolutions have one thread each (`vaeThreads`), as few parts as keep all cores at work, none of
 * which takes longer than its share of the cores; else one. Units of the tiny decoder are this long in proportion, by measurement;
 * of others it is a guess, which changes how fast it is and nothing else.
 */
export function processorParts(
  config: VaeConfig,
  { height, width }: { readonly height: number; readonly width: number },
  { decoding }: Pick<FilmPrecision, 'decoding'>,
  cores: number,
): readonly UnitRange[] {
  const units = vaeUnits(config);
  const isThreaded = vaeThreads(config, { attention: 'cpu', dtype: FLOAT_TYPES[decoding] }) > 1;
  const share = 1 / (isThreaded ? 1 : Math.min(cores, MOST_CORES));
  const work = decoderWork(config, height, width);
  const times = units.map((unit, at) => timeOf(unit, work[at]!, height * width));
  const most = share * times.reduce((sum, time) => sum + time, 0);
  const begins = [0];
  let filled = 0;
  for (const [unit, time] of times.entries()) {
    const isFull = filled > 0 && filled + time > most * (1 + ROUNDING);
    if (isFull) begins.push(unit);
    filled = isFull ? time : filled + time;
  }
  return begins.map((firstUnit, part) => ({ firstUnit, endUnit: begins[part + 1] ?? units.length }));
}

/** Sums of the same times in another order differ by less. */
const ROUNDING = 1e-9;

/** In the time of an operation. `pixels`: of the latent. */
function timeOf({ kind, from, to, scale, frames }: VaeUnit, work: number, pixels: number): number {
  const area = frames * pixels * scale ** 2;
  const numbers = kind === 'enlargement' ? 4 * to * area : Math.max(from, to) * area;
  return work * FILTERED[frames]! + OPERATIONS_PER_NUMBER * numbers;
}
