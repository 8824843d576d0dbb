import type { Binding } from '../ort/binding.ts';
import type { Session } from '../ort/session.ts';
import { deviceValue, type Value } from '../ort/value.ts';
import { featureCachePlaces } from '../plan/memory.ts';
import type { FloatType } from '../tensor.ts';

/** Sizes of a stage's cache: its layers, tokens of the context, width, guidance branches. */
export interface FeatureCacheShape {
  readonly firstLayer: number;
  readonly endLayer: number;
  readonly contextTokens: number;
  readonly width: number;
  readonly branches: number;
  readonly dtype: FloatType;
}

/**
 * Keys and values that a block's right neighbour left in this stage, in this iteration (docs/dualparal.md#feature-cache).
 * They stay on the device and are never copied: item j writes place j mod (branches + 1) while it reads the place that item
 * j − branches, the same branch of the right neighbour, has written. Nothing has to be cleared: an item without a right
 * neighbour is bound to an empty context instead.
 */
export interface FeatureCache {
  /** Items after which the same places come round for the same branch. */
  readonly period: number;
  /** Ties a binding to the places of item `index`; to an empty context unless `hasRight`. */
  bind(binding: Binding, index: number, hasRight: boolean): void;
}

/** Cache memory on the session's device; released with `stack`. Without context there is none and `bind` does nothing. */
export function createFeatureCache(session: Session, shape: FeatureCacheShape, stack: DisposableStack): FeatureCache {
  const { firstLayer, endLayer, contextTokens, width, branches, dtype } = shape;
  if (contextTokens === 0) return { period: branches, bind: () => {} };
  const places = featureCachePlaces(branches);
  const layers = Array.from({ length: endLayer - firstLayer }, (_, index) => firstLayer + index);
  const value = (tokens: number) =>
    stack.adopt(deviceValue(session, dtype, [1, tokens, width]), (owned) => owned.release());
  const pair = () => ({ key: value(contextTokens), value: value(contextTokens) });
  const cache = Array.from({ length: places }, () => new Map(layers.map((layer) => [layer, pair()])));
  const empty: Value = value(0);
  return {
    period: branches * places,
    bind(binding, index, hasRight) {
      for (const layer of layers) {
        const written = cache[index % places]!.get(layer)!;
        const read = cache[(index + 1) % places]!.get(layer)!;
        binding.bindOutput(`keepk.${layer}`, written.key);
        binding.bindOutput(`keepv.${layer}`, written.value);
        binding.bindInput(`rightk.${layer}`, hasRight ? read.key : empty);
        binding.bindInput(`rightv.${layer}`, hasRight ? read.value : empty);
      }
    },
  };
}
