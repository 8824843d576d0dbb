import type { TransformerConfig } from '../../runner/model/config.ts';
import { embedGraph, type LatentWindow, tokensPerLatent } from '../../runner/model/embed.ts';
import { type Graph, graphBuilder } from '../../runner/model/graph.ts';
import { headGraph } from '../../runner/model/head.ts';
import { sliceGraph } from '../../runner/model/layers.ts';
import { linear } from '../../runner/model/ops.ts';
import { transformerTensors } from '../../runner/model/tensor-names.ts';
import type { Device } from '../../runner/ort/device.ts';
import type { FloatType } from '../../runner/tensor.ts';
import { computeOn } from '../gpu/devices.ts';
import { type Loaded, load } from '../gpu/measure.ts';
import { randomWeights } from '../gpu/random-numbers.ts';
import { sliceInputs } from '../gpu/wide-layers.ts';

/** Layers with random weights, as they are timed. */
export interface TimedLayers {
  readonly config: TransformerConfig;
  readonly layers: number;
  /** Whether latents are embedded before the layers and velocities predicted after them, as in a block-step on one stage. */
  readonly ends: boolean;
  readonly window: LatentWindow;
  /** Tokens that come from the right neighbour and that are kept for the left one. */
  readonly context: number;
  readonly text: number;
  readonly type: FloatType;
}

/** What runs again and again. */
export interface Timed {
  run(): void;
  release(): void;
}

const LATENTS = 12;

/** A window of so many tokens: of twelve latents as the default's is, where the number allows it, and as square as can be. */
export function windowOf(tokens: number): LatentWindow {
  const frames = tokens % LATENTS === 0 ? LATENTS : 1;
  const each = tokens / frames;
  let height = Math.floor(Math.sqrt(each));
  while (each % height !== 0) height--;
  return { frames, height: 2 * height, width: (2 * each) / height };
}

/** Loads such layers; `folder` keeps the weights for a next time. */
export function openLayers(folder: string, device: Device, settings: TimedLayers): Timed {
  const { config, layers, ends, window, context, text, type } = settings;
  const tokens = window.frames * tokensPerLatent(window);
  const tensors = [...transformerTensors({ ...config, layers })].filter(([name]) => !name.startsWith('condition'));
  const weights = randomWeights(folder, `layers-${config.width}-${layers}-${type}`, tensors, type);
  const compute = computeOn(device, type);
  const slice = { firstLayer: 0, endLayer: layers, contextTokens: context };
  const opened = (graph: Graph): Loaded =>
    load(graph, {
      device,
      weightsFolder: weights.folder,
      lengths: { S: tokens, 'S+R': tokens + context, R: context, L: text },
      ...sliceInputs(config, { tokens, contextTokens: context }),
    });
  const between = sliceGraph(config, weights.tensors, { ...compute, ...slice });
  const around = (graphOf: typeof embedGraph | typeof headGraph) =>
    ends ? [graphOf(config, weights.tensors, window, compute)] : [];
  return inTurn([...around(embedGraph), between, ...around(headGraph)].map(opened));
}

/** The largest product of such a layer alone, on rearranged weights: the best that this library has. */
export function openProduct(
  folder: string,
  device: Device,
  { config, window, type }: Pick<TimedLayers, 'config' | 'window' | 'type'>,
): Timed {
  const { width, feedForwardWidth } = config;
  const tensors = [
    ['product.weight', [feedForwardWidth, width]],
    ['product.bias', [feedForwardWidth]],
  ] as const;
  const weights = randomWeights(folder, `product-${width}-${type}`, tensors, type);
  const g = graphBuilder('product', weights.tensors);
  const x = g.input('x', type, [window.frames * tokensPerLatent(window), width]);
  g.output('y', linear(g, x, { name: 'product', from: width, to: feedForwardWidth }, type));
  return inTurn([load(g.finish(), { device, weightsFolder: weights.folder, lengths: {} })]);
}

function inTurn(loaded: readonly Loaded[]): Timed {
  return {
    run() {
      for (const { binding } of loaded) binding.run();
    },
    release() {
      for (const { release } of loaded) release();
    },
  };
}
