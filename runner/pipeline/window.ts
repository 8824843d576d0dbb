import type { Plan } from '../plan/plan.ts';

/**
 * Latents of a block's window: what goes through the layers. Its left context does not where that is used again, so all blocks
 * but the first have a shorter one then.
 */
export function windowOf({ leftContext, blockLatents, windowLatents }: Plan, block: number): number {
  return block > 0 && leftContext === 'reuse' ? blockLatents : windowLatents;
}

/** What depends on a block's window, made once for each size of window. */
export function perWindow<T>(plan: Plan, make: (latents: number) => T): (block: number) => T {
  const first = make(windowOf(plan, 0));
  const later = windowOf(plan, 1) === windowOf(plan, 0) ? first : make(windowOf(plan, 1));
  return (block) => (block === 0 ? first : later);
}
