import type { ModelConfig, TransformerConfig, VaeConfig } from '../model/config.ts';
import { vaeBlocks } from '../model/tensor-names.ts';

/** Operations (two for each product and its sum) of the parts of a run, by their shapes alone. */
export interface RunWork {
  /** One layer, for one item whose right neighbour is there. */
  readonly layer: number;
  /** Latents to tokens, and tokens to velocity, for one item. */
  readonly embed: number;
  readonly head: number;
  /** A latent to four frames. */
  readonly decodedLatent: number;
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

/** The work of a run's parts. The prompt is not among them: it is read before the first item, when no stage has work yet. */
export function workOf({ transformer, vae }: ModelConfig, sizes: WorkSizes): RunWork {
  const { width, latentChannels } = transformer;
  const patches = 2 * sizes.windowTokens * VALUES_OF_PATCH * latentChannels * width;
  return {
    layer: layerWork(transformer, sizes),
    embed: patches,
    head: patches,
    decodedLatent: decoderWork(vae, sizes.latentHeight, sizes.latentWidth),
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

/** Convolutions and the one attention of a latent after the first, as the decoder is defined. */
export function decoderWork(config: VaeConfig, height: number, width: number): number {
  const blocks = vaeBlocks(config);
  const top = blocks[0]!.from;
  let pixels = height * width;
  let frames = 1;
  let work = 0;
  const convolve = (from: number, to: number, kernel: number) => {
    work += 2 * from * to * kernel * frames * pixels;
  };
  const volume = FRAMES_OF_KERNEL * 9;
  const resnet = (from: number, to: number) => {
    convolve(from, to, volume);
    convolve(to, to, volume);
    if (from !== to) convolve(from, to, 1);
  };
  convolve(config.latentChannels, config.latentChannels, 1);
  convolve(config.latentChannels, top, volume);
  for (let middle = 0; middle < 2; middle++) resnet(top, top);
  convolve(top, 4 * top, 1);
  work += 4 * pixels ** 2 * top;
  for (const { from, to, upsample } of blocks) {
    for (let index = 0; index <= config.residualBlocks; index++) resnet(index === 0 ? from : to, to);
    if (upsample === '3d') {
      convolve(to, 2 * to, FRAMES_OF_KERNEL);
      frames *= 2;
    }
    if (upsample === 'none') continue;
    pixels *= 4;
    convolve(to, to / 2, 9);
  }
  convolve(blocks.at(-1)!.to, 3, volume);
  return work;
}
