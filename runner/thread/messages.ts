import type { ErrorRecord } from '#contract/error.ts';
import type { CancelHandles } from '../ort/cancel.ts';
import type { EndGate } from '../ort/unbroken.ts';

/** What a thread says to the one that started it: how to cancel and end it, what its work has to tell, and how it came to its end. */
export type FromThread<Told> =
  | { readonly kind: 'started'; readonly cancel: CancelHandles; readonly gate: EndGate }
  | { readonly kind: 'told'; readonly told: Told }
  | { readonly kind: 'failed'; readonly error: ErrorRecord }
  | { readonly kind: 'over' };

/** What a thread hears: something to work on, or that there is nothing more to come. */
export type ToThread<Asked> = { readonly kind: 'asked'; readonly asked: Asked } | { readonly kind: 'end' };
