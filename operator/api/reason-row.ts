import type { Fixer } from '#contract/error.ts';
import type { Place } from './reason-places.ts';

/** One reason: what it says, and what people who meet it need to know. `docs/reasons.md` is made from these. */
export interface ReasonRow {
  /** The sentence beside it. Places in braces are filled by the writer. */
  readonly says: string;
  /** When it occurs. */
  readonly when: string;
  /** Who can do something about it; `nobody` has to where it is no fault or passes by itself. */
  readonly fixer: Fixer | 'nobody';
  /** What they do. */
  readonly todo: string;
  readonly places: readonly Place[];
}
