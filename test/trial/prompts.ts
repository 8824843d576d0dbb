import { parsePrompt, promptOf, type Wanted } from '../../runner/quality/tiny-world/grammar.ts';
import type { World } from '../../runner/quality/tiny-world/world.ts';

/** A prompt to try, what it asks for, and the seed of its film. */
export interface TrialPrompt {
  readonly prompt: string;
  readonly wanted: Wanted;
  readonly seed: number;
}

/**
 * The first `count` of the held-out prompts in a mixed order, the background said or, where it is the one that is meant anyway,
 * also unsaid. Where there are fewer they come again, always with a seed of their own.
 */
export function trialPrompts(world: World, count: number, firstSeed: number): readonly TrialPrompt[] {
  const all = world.heldOut.flatMap((prompt) => {
    const wanted = parsePrompt(world, prompt);
    if (wanted === null) throw new Error(`held-out prompt "${prompt}" is not in the words of the world`);
    const short = promptOf(world, wanted, false);
    const isMeant = parsePrompt(world, short)?.background === wanted.background;
    return (isMeant ? [prompt, short] : [prompt]).map((text) => ({ prompt: text, wanted }));
  });
  const stride = coprimeNear(Math.round(all.length * 0.618), all.length);
  return Array.from({ length: count }, (_, index) => ({
    ...all[(index * stride) % all.length]!,
    seed: firstSeed + index,
  }));
}

/** Each prompt `seeds` times, every time from a seed that no other prompt has. */
export function withSeeds(prompts: readonly TrialPrompt[], seeds: number): readonly TrialPrompt[] {
  return Array.from({ length: seeds }, (_, round) =>
    prompts.map((prompt) => ({ ...prompt, seed: prompt.seed + round * prompts.length })),
  ).flat();
}

/** The first number from `start` on that shares no factor with `length`: steps of it visit every place. */
function coprimeNear(start: number, length: number): number {
  const factor = (a: number, b: number): number => (b === 0 ? a : factor(b, a % b));
  let stride = Math.max(1, start);
  while (factor(stride, length) !== 1) stride++;
  return stride;
}
