import type { Binding } from '../ort/binding.ts';
import { own } from '../ort/lifetime.ts';
import type { Session } from '../ort/session.ts';
import { deviceValue } from '../ort/value.ts';
import { leftPlaces } from '../plan/left-places.ts';
import type { Item, ScheduleSettings } from '../plan/schedule.ts';
import type { FeatureCacheShape } from './feature-cache.ts';

/**
 * Keys and values of a block's last latents, kept in this stage until the right neighbour comes to the same step
 * (docs/beyond-the-paper.md#left-context-reused). They stay on the device and are never copied.
 */
export interface LeftCache {
  /** Ties a binding to what the left neighbour left for this item, and to where this one leaves its own; items come in order, each once. */
  bind(binding: Binding, item: Readonly<Item>): void;
}

/** Cache memory for the given branches, on the session's device; released with `stack`. */
export function createLeftCache(
  session: Session,
  schedule: ScheduleSettings,
  branches: readonly number[],
  shape: FeatureCacheShape,
  stack: DisposableStack,
): LeftCache {
  const { firstLayer, endLayer, contextTokens, width, dtype } = shape;
  const places = leftPlaces(schedule);
  const value = (tokens: number) => own(stack, deviceValue(session, dtype, [1, tokens, width]));
  const pair = () => ({ key: value(contextTokens), value: value(contextTokens) });
  const layers = Array.from({ length: endLayer - firstLayer }, (_, index) => {
    const layer = firstLayer + index;
    const kept = places.countOf.map((count, branch) =>
      branches.includes(branch) ? Array.from({ length: count }, pair) : [],
    );
    const names = {
      leftk: `leftk.${layer}`,
      leftv: `leftv.${layer}`,
      tailk: `tailk.${layer}`,
      tailv: `tailv.${layer}`,
    };
    return { kept, names };
  });
  const nothing = { key: value(0), value: value(0) };
  // All layers leave here what nobody reads: the last block's.
  const unread = pair();
  return {
    bind(binding, item) {
      places.enter(item);
      const { read, written } = places;
      for (const { kept, names } of layers) {
        const ofBranch = kept[item.branch]!;
        const from = read < 0 ? nothing : ofBranch[read]!;
        const to = written < 0 ? unread : ofBranch[written]!;
        binding.bindInput(names.leftk, from.key);
        binding.bindInput(names.leftv, from.value);
        binding.bindOutput(names.tailk, to.key);
        binding.bindOutput(names.tailv, to.value);
      }
    },
  };
}
