import type { TransformerConfig } from '../model/config.ts';
import type { LayerSlice } from './slices.ts';

/** Stored bytes of one transformer, by what reads them. */
export interface TransformerBytes {
  /** One number per layer. */
  readonly layers: readonly number[];
  /** Timestep and prompt embedders: read once at the start, then dropped. */
  readonly condition: number;
  readonly embed: number;
  readonly head: number;
}

/** Groups a transformer's tensors, given as (name in the checkpoint, bytes), into {@link TransformerBytes}. */
export function transformerBytes(tensors: Iterable<readonly [string, number]>, layerCount: number): TransformerBytes {
  const layers = new Array<number>(layerCount).fill(0);
  const rest = { condition: 0, embed: 0, head: 0 };
  for (const [name, bytes] of tensors) {
    const layer = /^blocks\.(\d+)\./.exec(name)?.[1];
    if (layer !== undefined && Number(layer) < layerCount) layers[Number(layer)]! += bytes;
    else if (name.startsWith('condition_embedder.')) rest.condition += bytes;
    else if (name.startsWith('patch_embedding.')) rest.embed += bytes;
    else rest.head += bytes;
  }
  return { layers, ...rest };
}

/** What the memory of a stage depends on besides its weights. Bytes per number are those of the compute type. */
export interface MemorySettings {
  readonly windowTokens: number;
  readonly contextTokens: number;
  readonly textTokens: number;
  readonly branches: number;
  /** Places for keys and values that wait for the right neighbour to come to the same step; 0 where nothing is kept so. */
  readonly leftPlaces: number;
  readonly experts: number;
  readonly ringSlots: number;
  readonly bytesPerNumber: number;
}

/** What a stage keeps in memory besides the graphs that it runs (film-memory.ts), and the stored bytes of its weights. */
export interface StageMemory {
  readonly weights: number;
  /** Keys and values of the prompt, per layer, branch and expert. */
  readonly prompt: number;
  /** Keys and values of the right neighbour, per layer; one place more than there are branches. */
  readonly featureCache: number;
  /** Keys and values of left neighbours that wait to be used again, per layer; and one place for all layers of the last block. */
  readonly leftCache: number;
  /** Hidden states that wait for this stage, and where it leaves its own. */
  readonly hidden: number;
}

/** What every stage keeps. `transformers` has one entry per expert; a stage holds its slice of each. */
export function stageMemory(
  config: TransformerConfig,
  transformers: readonly TransformerBytes[],
  slices: readonly LayerSlice[],
  settings: MemorySettings,
): readonly StageMemory[] {
  const { width: D } = config;
  const { windowTokens: S, contextTokens: K, textTokens: L, branches, experts, ringSlots, bytesPerNumber } = settings;
  return slices.map((slice, stage) => {
    const first = stage === 0;
    const last = stage === slices.length - 1;
    const layers = slice.endLayer - slice.firstLayer;
    const weights = sum(transformers.map((transformer) => weightsOf(transformer, slice, first, last)));
    const prompt = 2 * layers * branches * experts * L * D * bytesPerNumber;
    const featureCache = 2 * layers * featureCachePlaces(branches) * K * D * bytesPerNumber;
    const leftPlaces = settings.leftPlaces === 0 ? 0 : layers * settings.leftPlaces + 1;
    const leftCache = 2 * leftPlaces * K * D * bytesPerNumber;
    const hidden = ((first ? 1 : ringSlots) + (last ? 1 : ringSlots)) * S * D * bytesPerNumber;
    return { weights, prompt, featureCache, leftCache, hidden };
  });
}

/**
 * Places of the feature cache: an item writes one place while it reads the one that its right neighbour's item of the same
 * branch wrote `branches` items before, so one place more than there are branches is enough.
 */
export function featureCachePlaces(branches: number): number {
  return branches + 1;
}

/** Stored bytes of one transformer that a stage holds. */
export function weightsOf(transformer: TransformerBytes, slice: LayerSlice, first: boolean, last: boolean): number {
  const layers = sum(transformer.layers.slice(slice.firstLayer, slice.endLayer));
  return layers + (first ? transformer.embed : 0) + (last ? transformer.head : 0);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
