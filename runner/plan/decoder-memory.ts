import type { VaeConfig } from '../model/config.ts';
import type { Graph, TensorIndex } from '../model/graph.ts';
import { type ChunkKind, type ChunkOptions, vaeChunkGraph, vaeOptimization } from '../model/vae-decoder.ts';
import { edgeBytes } from './execution.ts';
import { arenaFor, type Loading, type SessionMemory, sessionMemory, sum, sumOfSessions } from './session-memory.ts';

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
  /** Where it is computed, and in what number format. */
  readonly compute: Pick<ChunkOptions, 'attention' | 'dtype'>;
}

/** Memory of a film's decoder, in bytes. */
export interface DecoderUse extends SessionMemory {
  /** What convolutions saw of the frames before, where the decoder is. */
  readonly states: number;
  /** The same where the decoder is on a device and works in tiles: on the host, but for the tile that it is at. */
  readonly carried: number;
  /** Pictures of a latent, as planes of numbers and as frames: on the host. */
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
export function decoderUse({ config, tensors, picture, tiles, compute }: DecoderInput): DecoderUse {
  const isTiled = tiles.length > 1;
  const loading: Loading = {
    kind: compute.attention,
    threads: THREADS,
    prepack: true,
    optimize: vaeOptimization(config, compute),
    isOnHost: (name) => isTiled || name === 'latent' || name === 'frames',
  };
  const sizes = [...new Map(tiles.map((tile) => [keyOf(tile), tile])).values()];
  const graphOf = (size: LatentSize, chunk: ChunkKind) =>
    vaeChunkGraph(config, tensors, { ...size, ...compute, kind: chunk, unlimited: true });
  const arena = compute.attention === 'cuda' ? arenaFor('cuda') : undefined;
  const session = (size: LatentSize, chunk: ChunkKind) => sessionMemory(graphOf(size, chunk), [{}], loading, arena);
  const first = sumOfSessions(sizes.map((size) => session(size, 'first')));
  const later = sumOfSessions(sizes.map((size) => session(size, 'steady')));
  const statesBy = new Map(sizes.map((size) => [keyOf(size), statesOf(graphOf(size, 'steady'))]));
  const states = sum(tiles.map((tile) => statesBy.get(keyOf(tile))!));
  const isCarried = isTiled && compute.attention === 'cuda';
  const planes = sum(sizes.map(pixelsOf)) + (isTiled ? 2 * pixelsOf(picture) : 0);
  const numbers = 3 * FRAMES_PER_LATENT;
  return {
    ...later,
    // What the first latent's graphs have left in a device's arena is there for the later ones.
    working: later.working + (arena === undefined ? 0 : first.working),
    states: isCarried ? 0 : states,
    carried: isCarried ? states : 0,
    pictures: numbers * (planes * FLOAT32_BYTES + LATENTS_ON_THE_WAY * pixelsOf(picture)),
    first: first.weights + first.working,
  };
}

/** Bytes of a decoder at work, where it is. */
export function bytesOfDecoder({ weights, working, states, first }: DecoderUse): number {
  return weights + states + Math.max(working, first);
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
