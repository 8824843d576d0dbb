import type { Quality } from '#contract/result.ts';

const percent = (share: number) => `${Math.round(100 * share)} %`;
const times = (ratio: number) => `× ${ratio.toFixed(2)}`;

/** The figures of a film's quality as a person reads them, one line per kind. */
export function describeQuality({ joins, drift, repetition, collapsed, prompt }: Quality): readonly string[] {
  const lines: string[] = [];
  if (joins !== undefined) lines.push(`  ${describeJoins(joins)}`);
  const again =
    repetition === undefined || repetition < 0.01 ? '' : `; repeats the block before it: ${percent(repetition)}`;
  lines.push(
    `  drift: colour ${drift.colour.toFixed(1)} of 255, contrast ${times(drift.contrast)}, sharpness ${times(drift.sharpness)}${again}`,
  );
  if (collapsed)
    lines.push(
      '  the picture falls apart: a quarter of the film shows next to nothing, or far less or more than its beginning',
    );
  if (prompt !== undefined) lines.push(`  ${describePrompt(prompt)}`);
  return lines;
}

function describeJoins({ count, seamRatio, continuity, continuityInside }: NonNullable<Quality['joins']>): string {
  const change = `the picture changes ${times(seamRatio)} as much there as within blocks`;
  const usual = continuityInside === undefined ? '' : ` (within blocks: ${percent(continuityInside)})`;
  const motion = continuity === undefined ? 'nothing moves' : `motion continues through ${percent(continuity)}${usual}`;
  return `${count === 1 ? '1 join' : `${count} joins`} between blocks: ${change}, ${motion}`;
}

function describePrompt({ colour, shape, background, direction, right }: NonNullable<Quality['prompt']>): string {
  const way = direction === undefined ? '' : `; it ${direction ? 'moves' : 'does not move'} in the direction asked for`;
  const shares = `colour ${percent(colour)}, shape ${percent(shape)}, background ${percent(background)} of the frames`;
  return `matches the prompt: ${right ? 'yes' : 'no'} (${shares}${way})`;
}
