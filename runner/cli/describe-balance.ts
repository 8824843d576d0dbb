import type { Plan } from '../plan/plan.ts';

/** Below this, what the cut costs is not worth a line. */
const NOTEWORTHY = 0.98;
/** From this share of the last device's work on, decoding is worth naming where something else sets the pace. */
const NOTEWORTHY_DECODING = 0.05;

/** How the devices share the time, what is lost and to what; and how long the film takes where the devices' speed was measured. */
export function describeBalance({
  balance,
  stages,
  expectedSeconds,
}: Pick<Plan, 'balance' | 'stages' | 'expectedSeconds'>): readonly string[] {
  const time =
    expectedSeconds === null
      ? []
      : [
          `  about ${minutes(expectedSeconds)} from the first item to the last, by speeds measured on one such card (docs/gpu.md)`,
        ];
  return stages.length === 1 ? time : [...lostTo(balance, stages), ...time];
}

function lostTo({ busyShare, busyShares, decodingShare }: Plan['balance'], stages: Plan['stages']): readonly string[] {
  if (busyShare >= NOTEWORTHY) return [];
  const mean = `  once full, the devices are at work ${percent(busyShare)} of the time`;
  const decoding = percent(decodingShare);
  if (decodingShare > 0 && busyShares.at(-1) === 1) {
    return [
      `${mean}: decoding, ${decoding} of the last one’s work, sets the pace; fewer devices or smaller pictures would lose less`,
    ];
  }
  const sizes = stages.map(sizeOf);
  const lines = new Set(stages.map(({ branch }) => branch)).size;
  const layers = sizes.reduce((sum, size) => sum + size, 0) / lines;
  const cut = `${layers} layers on ${stages.length / lines} devices, a layer is never cut`;
  const left = sizes.at(-1) === 1 ? 'one layer' : `${sizes.at(-1)} layers`;
  const share = `decoding, all of it on the last one, takes ${decoding} of its work and leaves it ${left}`;
  return [decodingShare < NOTEWORTHY_DECODING ? `${mean}: ${cut}` : `${mean}: ${cut}, and ${share}`];
}

function sizeOf({ firstLayer, endLayer }: Plan['stages'][number]): number {
  return endLayer - firstLayer;
}

/** A share in per cent, to one digit. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function minutes(seconds: number): string {
  return seconds < 90 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(1)} min`;
}
