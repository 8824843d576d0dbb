import type { VaeConfig } from '../model/config.ts';
import type { Graph, TensorIndex } from '../model/graph.ts';
import { vaeChunkGraph, vaeOptimization } from '../model/vae-decoder.ts';
import { edgeBytes } from './execution.ts';
import { type Loading, type SessionMemory, sessionMemory, sum, sumOfSessions } from './session-memory.ts';

/** Height and width of a picture or a tile, in latents. */
export interface LatentSize {
  readonly height: number;
  readonly width: number;
}

/** How a film is decoded: whole, which is one tile, or in several. */
export interface DecoderInput {
  readonly config: VaeConfig;
  readonly tensors: TensorIndex;
  readonly picture: LatentSize;
  readonly tiles: readonly LatentSize[];
  readonly kind: Loading['kind'];
}

/** Memory of a film's decoder, in bytes. */
export interface DecoderUse extends SessionMemory {
  /** What convolutions saw of the frames before: of every tile. */
  readonly states: number;
  /** Pictures of a latent, as planes of numbers and as frames. */
  readonly pictures: number;
  /** The graph of a film's first latent, which is gone when the next is decoded. */
  readonly first: number;
}

/** Threads within a convolution (decode/chunk.ts). */
const THREADS = 4;
const PIXELS_PER_LATENT = 8;
const FRAMES_PER_LATENT = 4;
const FLOAT32_BYTES = 4;
/** Frames of so many latents are on their way at once: being decoded, sent, and encoded. */
const LATENTS_ON_THE_WAY = 4;

/** Memory of the decoder; tiles of one size share a graph. */
export function decoderUse({ config, tensors, picture, tiles, kind }: DecoderInput): DecoderUse {
  const loading: Loading = {
    kind,
    threads: THREADS,
    prepack: true,
    optimize: vaeOptimization(config, { attention: kind }),
  };
  const sizes = [...new Map(tiles.map((tile) => [keyOf(tile), tile])).values()];
  const graphOf = (size: LatentSize, chunk: 'first' | 'steady') =>
    vaeChunkGraph(config, tensors, { ...size, kind: chunk, unlimited: true, attention: kind });
  const session = (size: LatentSize, chunk: 'first' | 'steady') => sessionMemory(graphOf(size, chunk), [{}], loading);
  const later = sumOfSessions(sizes.map((size) => session(size, 'steady')));
  const first = sumOfSessions(sizes.map((size) => session(size, 'first')));
  const statesBy = new Map(sizes.map((size) => [keyOf(size), statesOf(graphOf(size, 'steady'))]));
  const isTiled = tiles.length > 1;
  const planes = sum(sizes.map(pixelsOf)) + (isTiled ? 2 * pixelsOf(picture) : 0);
  const numbers = 3 * FRAMES_PER_LATENT;
  return {
    ...later,
    states: sum(tiles.map((tile) => statesBy.get(keyOf(tile))!)),
    pictures: numbers * (planes * FLOAT32_BYTES + LATENTS_ON_THE_WAY * pixelsOf(picture)),
    first: first.weights + first.working,
  };
}

/** Bytes of a decoder at work. */
export function bytesOfDecoder({ weights, working, states, pictures, first }: DecoderUse): number {
  return weights + states + pictures + Math.max(working, first);
}

function keyOf({ height, width }: LatentSize): string {
  return `${height} × ${width}`;
}

function pixelsOf({ height, width }: LatentSize): number {
  return height * width * PIXELS_PER_LATENT ** 2;
}

/** A decoder's states come into the graph of a later latent. */
function statesOf({ inputs }: Pick<Graph, 'inputs'>): number {
  const states = inputs.filter(({ name }) => name.startsWith('state.'));
  return sum(states.map((edge) => edgeBytes(edge, {})));
}
