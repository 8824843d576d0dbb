import type { Binding } from '../ort/binding.ts';
import { featureCachePlaces } from '../plan/memory.ts';
import type { FloatType } from '../tensor.ts';
import type { Residence } from './residence.ts';

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
 * They stay on the device and are never copied: item j writes place j mod places while it reads the one that the same branch of
 * the right neighbour has written, as many items ago as that block-step has branches. Nothing has to be cleared: an item
 * without a right neighbour is bound to an empty context instead.
 */
export interface FeatureCache {
  readonly places: number;
  /**
   * Ties a binding to place `place` for writing and, for reading, to the one of `sinceRight` items before; to an empty context
   * where that is 0.
   */
  bind(binding: Binding, place: number, sinceRight: number): void;
}

/** What a cache needs to know besides. */
export interface JoiningShape extends FeatureCacheShape {
  /**
   * Tokens before the right context (the window's, and those of a left context that is used again) where the layers join all keys in
   * memory that they are given; null where they do not.
   */
  readonly joinedTokens: number | null;
  readonly reusesLeft: boolean;
}

/** Cache memory on the stage's device. Without context there is none and `bind` does nothing. */
export function createFeatureCache({ room, put, part }: Residence, shape: JoiningShape): FeatureCache {
  const { firstLayer, endLayer, contextTokens, width, branches, dtype, joinedTokens, reusesLeft } = shape;
  if (contextTokens === 0) return { places: 1, bind: () => {} };
  const places = featureCachePlaces(branches);
  const layers = Array.from({ length: endLayer - firstLayer }, (_, index) => firstLayer + index);
  const value = (tokens: number) => room(dtype, [1, tokens, width]);
  const pair = () => ({ key: value(contextTokens), value: value(contextTokens) });
  const cache = Array.from({ length: places }, () => new Map(layers.map((layer) => [layer, pair()])));
  const empty = value(0);
  const joint = joinedTokens === null ? null : openJoint(joinedTokens);

  /** One piece of memory for all layers, seen with room for a right context and without. */
  function openJoint(tokens: number) {
    const start = put(BigInt64Array.of(BigInt(tokens)), 'I64', [1]);
    const letters = (['k', 'v'] as const).map((letter) => {
      const withRight = value(tokens + contextTokens);
      return { letter, withRight, alone: part(withRight, dtype, [1, tokens, width]) };
    });
    return { start, letters };
  }

  function bindJoint(binding: Binding, hasRight: boolean): void {
    if (joint === null) return;
    binding.bindInput('rightstart', joint.start);
    for (const { letter, withRight, alone } of joint.letters) {
      const memory = hasRight ? withRight : alone;
      binding.bindInput(`joint${letter}`, memory);
      for (const layer of layers) {
        binding.bindOutput(`begun${letter}.${layer}`, memory);
        if (reusesLeft) binding.bindOutput(`grown${letter}.${layer}`, memory);
        binding.bindOutput(`joined${letter}.${layer}`, memory);
      }
    }
  }

  return {
    places,
    bind(binding, place, sinceRight) {
      bindJoint(binding, sinceRight > 0);
      for (const layer of layers) {
        const written = cache[place]!.get(layer)!;
        const read = cache[(place + places - sinceRight) % places]!.get(layer)!;
        binding.bindOutput(`keepk.${layer}`, written.key);
        binding.bindOutput(`keepv.${layer}`, written.value);
        binding.bindInput(`rightk.${layer}`, sinceRight > 0 ? read.key : empty);
        binding.bindInput(`rightv.${layer}`, sinceRight > 0 ? read.value : empty);
      }
    },
  };
}
