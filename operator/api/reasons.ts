import type { ReasonRow } from './reason-row.ts';
import { ENDING_REASONS } from './reasons-ending.ts';
import { NEWS_REASONS } from './reasons-news.ts';
import { WAITING_REASONS } from './reasons-waiting.ts';

/** Reasons of our own. What others say (`PASSED_ON`) is passed on unchanged. */
export const REASONS = {
  ...WAITING_REASONS,
  ...ENDING_REASONS,
  ...NEWS_REASONS,
} as const satisfies Readonly<Record<string, ReasonRow>>;

export type Reason = keyof typeof REASONS;

/** A reason with its sentence, or one that is passed on. */
export interface Why {
  readonly reason: string;
  readonly message: string;
}

/** A reason of ours with the places of its sentence filled. */
export function why(reason: Reason, values: Readonly<Record<string, string | number>> = {}): Why {
  return {
    reason,
    message: REASONS[reason].says.replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place)),
  };
}
