import { parseTransformerConfig } from '../../runner/model/component-configs.ts';
import type { TransformerConfig } from '../../runner/model/config.ts';
import { sliceGraph } from '../../runner/model/layers.ts';
import type { SliceOptions } from '../../runner/model/slice-options.ts';
import { layerTensors } from '../../runner/model/tensor-names.ts';
import type { Device } from '../../runner/ort/device.ts';
import type { FloatType } from '../../runner/tensor.ts';
import { CONFIGS, type PublishedModel } from '../full-size/published-configs.ts';
import { computeOn } from './devices.ts';
import { type LoadSettings, load } from './measure.ts';
import { randomWeights } from './random-numbers.ts';

/** Layers of a published width with random weights, over `tokens` of pictures and 512 of text. */
export interface LayersSettings {
  readonly folder: string;
  readonly device: Device;
  readonly model: PublishedModel;
  readonly layers: number;
  readonly tokens: number;
  /** Tokens kept for the left neighbour, and as many read from the right one. */
  readonly contextTokens: number;
  /** As many of `tokens` are the left context's, which comes as keys and values. */
  readonly reusesLeft?: boolean;
  /** Number format of the matrix work. */
  readonly dtype: FloatType;
  /** Of the weights; the same as `dtype` unless said. */
  readonly stored?: FloatType;
  /** Of the layers, and their attention on CUDA; the device's own where absent. */
  readonly form?: SliceOptions['form'] | undefined;
  readonly operator?: SliceOptions['operator'] | undefined;
  readonly readable?: boolean;
  readonly optimize?: LoadSettings['optimize'];
}

export const TEXT_TOKENS = 512;

export function configOf(model: PublishedModel): TransformerConfig {
  return parseTransformerConfig(CONFIGS[model]['transformer/config.json']);
}

export function loadLayers(settings: LayersSettings) {
  const {
    folder,
    device,
    model,
    layers,
    tokens,
    contextTokens: K,
    dtype,
    stored = dtype,
    readable,
    optimize,
    reusesLeft = false,
  } = settings;
  const config = configOf(model);
  const tensors = Array.from({ length: layers }, (_, layer) => [...layerTensors(config, layer)]).flat();
  const weights = randomWeights(folder, `${model}-${layers}-${stored}`, tensors, stored);
  const { form, operator } = settings;
  const choices = { ...(form === undefined ? {} : { form }), ...(operator === undefined ? {} : { operator }) };
  const slice = { firstLayer: 0, endLayer: layers, contextTokens: K, reusesLeft };
  const options: SliceOptions = { ...computeOn(device, dtype), ...slice, ...choices };
  const graph = sliceGraph(config, weights.tensors, options);
  const P = reusesLeft ? K : 0;
  const lengths = { S: tokens - P, P, 'S+R': tokens + K, 'P+S+R': tokens + K, R: K, L: TEXT_TOKENS };
  const loaded = load(graph, {
    device,
    weightsFolder: weights.folder,
    lengths,
    ...sliceInputs(config, { tokens, contextTokens: K, leftTokens: P }),
    ...(readable === undefined ? {} : { readable }),
    ...(optimize === undefined ? {} : { optimize }),
  });
  return { ...loaded, graph, lengths, config };
}

/**
 * What a slice's graph is given besides random numbers: angles, the rows from which its own and a right neighbour's keys and values are written, and for
 * each output that is written into the memory of an input, that input.
 */
export function sliceInputs(
  { headWidth }: Pick<TransformerConfig, 'headWidth'>,
  {
    tokens,
    contextTokens,
    leftTokens = 0,
  }: Pick<LayersSettings, 'tokens' | 'contextTokens'> & { readonly leftTokens?: number },
) {
  const angles = Float32Array.from({ length: ((tokens + contextTokens) * headWidth) / 2 }, (_, at) => (at % 977) / 311);
  const place = (start: number) => BigInt64Array.of(BigInt(start));
  return {
    given: {
      cos: angles.map(Math.cos),
      sin: angles.map(Math.sin),
      rightstart: place(tokens),
      ownstart: place(leftTokens),
    },
    inPlaceOf: (output: string) => /^(?:begun|grown|joined)([kv])\./.exec(output)?.[1]?.replace(/^/, 'joint'),
  } satisfies Partial<LoadSettings>;
}

/** Floating-point operations of a layer, keys and values of the text not counted: they are made once per film. */
export function layerOperations(
  { width: D, feedForwardWidth }: TransformerConfig,
  tokens: number,
  right: number,
): number {
  const matrices = 2 * tokens * (6 * D * D + 2 * D * feedForwardWidth);
  return matrices + 4 * tokens * (tokens + right + TEXT_TOKENS) * D;
}
