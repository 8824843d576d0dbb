import type { DecoderPart } from '../../runner/plan/decoder-cut.ts';

/** Units of Wan's decoder, and of the tiny model's. */
const UNITS = 20;

/** The decoder cut into so many parts of about as many units, on the last of so many stages. */
export function decoderParts(parts: number, stages: number): readonly DecoderPart[] {
  const start = (part: number) => Math.round((UNITS * part) / parts);
  return Array.from({ length: parts }, (_, part) => ({
    stage: stages - parts + part,
    firstUnit: start(part),
    endUnit: start(part + 1),
  }));
}
