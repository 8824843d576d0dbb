import type { ModelConfig, TransformerConfig, VaeConfig } from '../model/config.ts';
import { type VaeUnit, vaeUnits } from '../model/vae-units.ts';

/** Operations (two for each product and its sum) of the parts of a run, by their shapes alone. */
export interface RunWork {
  /** One layer, for one item whose right neighbour is there. */
  readonly layer: number;
  /** Latents to tokens, and tokens to velocity, for one item. */
  readonly embed: number;
  readonly head: number;
  /** A latent to four frames, by the decoder's units. */
  readonly units: readonly number[];
}

/** What the work depends on besides the model. */
export interface WorkSizes {
  readonly windowTokens: number;
  readonly contextTokens: number;
  readonly textTokens: number;
  readonly latentHeight: number;
  readonly latentWidth: number;
}

const VALUES_OF_PATCH = 4;
const FRAMES_OF_KERNEL = 3;
const VOLUME = FRAMES_OF_KERNEL * 9;

/** The work of a run's parts. The prompt is not among them: it is read before the first item, when no stage has work yet. */
export function workOf({ transformer, vae }: ModelConfig, sizes: WorkSizes): RunWork {
  const { width, latentChannels } = transformer;
  const patches = 2 * sizes.windowTokens * VALUES_OF_PATCH * latentChannels * width;
  return {
    layer: layerWork(transformer, sizes),
    embed: patches,
    head: patches,
    units: decoderWork(vae, sizes.latentHeight, sizes.latentWidth),
  };
}

/** Six square products (four of the tokens' own attention, two of the text's) and two of the feed-forward; scores and their sums. */
export function layerWork(
  { width, feedForwardWidth }: Pick<TransformerConfig, 'width' | 'feedForwardWidth'>,
  { windowTokens, contextTokens, textTokens }: Omit<WorkSizes, 'latentHeight' | 'latentWidth'>,
): number {
  const products = 2 * windowTokens * (6 * width ** 2 + 2 * width * feedForwardWidth);
  return products + 4 * windowTokens * (windowTokens + contextTokens + textTokens) * width;
}

/** Convolutions and the one attention of a latent after the first, unit by unit, as the decoder is defined. */
export function decoderWork(config: VaeConfig, height: number, width: number): readonly number[] {
  return vaeUnits(config).map((unit) => unitWork(unit, height * width));
}

/** `pixels`: of the latent. */
function unitWork({ kind, from, to, scale, frames, upsample }: VaeUnit, pixels: number): number {
  const area = pixels * scale ** 2;
  const convolution = (channels: number, kernel: number, out = to) => 2 * channels * out * kernel * frames * area;
  switch (kind) {
    case 'entry':
      return convolution(from, 1, from) + convolution(from, VOLUME);
    case 'resnet':
      return convolution(from, VOLUME) + convolution(to, VOLUME) + (from === to ? 0 : convolution(from, 1));
    case 'attention':
      return convolution(from, 1, 4 * from) + 4 * area ** 2 * from;
    case 'enlargement': {
      const isLonger = upsample === '3d';
      const longer = isLonger ? convolution(from, FRAMES_OF_KERNEL, 2 * from) : 0;
      return longer + (isLonger ? 2 : 1) * 4 * convolution(from, 9);
    }
    case 'exit':
      return convolution(from, VOLUME);
  }
}
