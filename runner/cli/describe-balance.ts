import type { Plan } from '../plan/plan.ts';

type Cut = Pick<Plan, 'balance' | 'stages' | 'decoderParts'>;

/** Below this, what the cut costs is not worth a line. */
const NOTEWORTHY = 0.98;
/** From this share of the last device's work on, an undivided decoder is worth naming. */
const NOTEWORTHY_DECODING = 0.05;
/** A cut that is nearer than this to what cannot be cut further sets no slower pace than that. */
const AS_GOOD = 0.99;

/** How the devices share the time, what is lost and to what; and how long the film takes where the devices' speed was measured. */
export function describeBalance({ expectedSeconds, ...cut }: Cut & Pick<Plan, 'expectedSeconds'>): readonly string[] {
  const time =
    expectedSeconds === null
      ? []
      : [
          `  about ${minutes(expectedSeconds)} from the first item to the last, by speeds measured on one such card (docs/gpu.md)`,
        ];
  return cut.stages.length === 1 ? time : [...spread(cut), ...lost(cut), ...time];
}

/** How busy a device is, and what part of that is decoding. */
export function describeBusy({ busyShares, decodingShares }: Plan['balance'], stage: number): string {
  const decoding = decodingShares[stage]!;
  return `${percent(busyShares[stage]!)}${decoding === 0 ? '' : ` (decoding ${percent(decoding)} of it)`}`;
}

function spread({ stages, decoderParts }: Cut): readonly string[] {
  const count = decoderParts.length;
  if (count === 1) return [];
  if (new Set(decoderParts.map(({ stage }) => stage)).size === 1) {
    return [`  decoding is in ${count} parts, each in a thread of its own`];
  }
  const where = count === stages.length ? `all ${count} devices` : `the last ${count} devices`;
  const decoding = `  decoding is on ${where}, in ${count} parts`;
  return [
    linesOf(stages) === 1 ? decoding : `  decoding is in ${count} parts, on ${listOf(decoderParts)} in this order`,
  ];
}

function listOf(parts: Plan['decoderParts']): string {
  const stages = parts.map(({ stage }) => stage);
  return `stages ${stages.slice(0, -1).join(', ')} and ${stages.at(-1)}`;
}

function lost(cut: Cut): readonly string[] {
  const { busyShare } = cut.balance;
  if (busyShare >= NOTEWORTHY) return [];
  const mean = `  once full, the devices are at work ${percent(busyShare)} of the time`;
  return [`${mean}: ${cut.decoderParts.length === 1 ? undividedLoss(cut) : dividedLoss(cut)}`];
}

function undividedLoss({ balance, stages }: Cut): string {
  const decoding = balance.decodingShares.at(-1)!;
  if (decoding < NOTEWORTHY_DECODING) return wholeLayers(stages);
  const size = sizeOf(stages.at(-1)!);
  const left = size === 1 ? 'one layer' : `${size} layers`;
  return `${wholeLayers(stages)}, and decoding, all of it on the last one, takes ${percent(decoding)} of its work and leaves it ${left}`;
}

function dividedLoss({ balance, stages, decoderParts }: Cut): string {
  // Layers alone would be as slow: a device has so many at least.
  if (Math.ceil(layersOf(stages) / devicesOf(stages)) >= AS_GOOD * balance.pace) return wholeLayers(stages);
  const things = `${layersOf(stages)} layers and ${decoderParts.at(-1)!.endUnit} units of the decoder`;
  const ofLine = linesOf(stages) === 1 ? '' : ' of each line';
  const whole = `${things} on ${devicesOf(stages)} devices${ofLine}, neither a layer nor a unit is cut`;
  const hasLeast = decoderParts.some(
    ({ stage, firstUnit, endUnit }) =>
      balance.busyShares[stage]! >= AS_GOOD && endUnit - firstUnit === 1 && sizeOf(stages[stage]!) === 1,
  );
  return hasLeast ? `${whole}; one layer and one unit are as slow, more devices would hardly be faster` : whole;
}

function wholeLayers(stages: Plan['stages']): string {
  return `${layersOf(stages)} layers on ${devicesOf(stages)} devices, a layer is never cut`;
}

function layersOf(stages: Plan['stages']): number {
  return stages.at(-1)!.endLayer;
}

/** Those that share the layers. */
function devicesOf(stages: Plan['stages']): number {
  return stages.length / linesOf(stages);
}

function linesOf(stages: Plan['stages']): number {
  return new Set(stages.map(({ branch }) => branch)).size;
}

function sizeOf({ firstLayer, endLayer }: Plan['stages'][number]): number {
  return endLayer - firstLayer;
}

/** A share in per cent, to one digit. */
function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function minutes(seconds: number): string {
  return seconds < 90 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(1)} min`;
}
