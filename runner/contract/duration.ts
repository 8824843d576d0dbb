import { z } from 'zod';
import { ruled } from './rule.ts';

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;
const PATTERN = '^([0-9]{1,6}d)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$';
const SHAPE = new RegExp(PATTERN);
const NOT_ZERO = '[1-9]';
const NOT_ZERO_PATTERN = new RegExp(NOT_ZERO);

/**
 * A stretch of time as people write it: `90s`, `10m`, `1h30m`, `7d`. The text is kept; {@link secondsOf} reads it. Days are
 * 24 hours; what Kubernetes itself writes (`168h`, `1h30m0s`) is read as well.
 */
export const durationField = ruled(z.string().min(2).max(27), {
  rule: `self.matches('${PATTERN}')`,
  holds: (text) => SHAPE.test(text),
  message: 'must be a stretch of time such as 90s, 10m, 1h30m or 7d',
});

/** The same where nothing could be done in no time at all. */
export const positiveDurationField = ruled(z.string().min(2).max(27), {
  rule: `self.matches('${PATTERN}') && self.matches('${NOT_ZERO}')`,
  holds: (text) => SHAPE.test(text) && NOT_ZERO_PATTERN.test(text),
  message: 'must be a stretch of time such as 90s, 10m, 1h30m or 7d, and not zero',
});

/** Seconds of a stretch of time as {@link durationField} takes it. */
export function secondsOf(text: string): number {
  return [...text.matchAll(/(\d+)([smhd])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * UNITS[unit as keyof typeof UNITS],
    0,
  );
}
