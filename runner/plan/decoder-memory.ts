import type { VaeConfig } from '../model/config.ts';
import type { Graph, TensorIndex } from '../model/graph.ts';
import {
  type ChunkKind,
  type ChunkOptions,
  type ChunkType,
  hiddenShape,
  vaeChunkGraph,
  vaeOptimization,
  vaeThreads,
} from '../model/vae-decoder.ts';
import { allUnits, type UnitRange } from '../model/vae-units.ts';
import { bytesPerElement, elementCount } from '../tensor.ts';
import type { DecoderPart } from './decoder-cut.ts';
import { edgeBytes } from './execution.ts';
import { arenaFor, type Loading, type SessionMemory, sessionMemory, sum, sumOfSessions } from './session-memory.ts';

/** Height and width of a picture or a tile, in latents. */
export interface LatentSize {
  readonly height: number;
  readonly width: number;
}

/** A part of a film's decoder, and how it decodes: whole pictures, which are one tile, or in several. */
export interface DecoderInput {
  readonly config: VaeConfig;
  readonly tensors: TensorIndex;
  /** Those of this part. */
  readonly units: UnitRange;
  /** Into how many the decoder is cut. */
  readonly parts: number;
  readonly picture: LatentSize;
  readonly tiles: readonly LatentSize[];
  /** Where it is computed, and in what number format. */
  readonly compute: { readonly attention: ChunkOptions['attention']; readonly dtype: ChunkType };
}

/** Memory of a part of a film's decoder, in bytes. */
export interface DecoderUse extends SessionMemory {
  /** What convolutions saw of the frames before, where the part is. */
  readonly states: number;
  /** The same where the decoder is on a device and works in tiles: on the host, but for the tile that it is at. */
  readonly carried: number;
  /** Room for what the part before has left, and for what goes to the one after, where the part is: of one tile each. */
  readonly hidden: number;
  /** Pictures of a latent, as planes of numbers and as frames: on the host, once, with the part that ends the decoder. */
  readonly pictures: number;
  /** The graph of a film's first latent, which is gone when the next is decoded. */
  readonly first: number;
}

/** The same, and which part it is. */
export interface DecoderPartUse extends DecoderUse, DecoderPart {}

const PIXELS_PER_LATENT = 8;
const FRAMES_PER_LATENT = 4;
const FLOAT32_BYTES = 4;
/** Frames of so many latents are on their way at once, beside one in each of the decoder's parts: sent, and encoded. */
const LATENTS_ON_THE_WAY = 3;

/** Memory of a part of the decoder; tiles of one size share a graph. */
export function decoderUse(input: DecoderInput): DecoderUse {
  const { config, tensors, units, tiles, compute } = input;
  const isTiled = tiles.length > 1;
  const loading: Loading = {
    kind: compute.attention,
    threads: vaeThreads(config, compute),
    prepack: true,
    optimize: vaeOptimization(config, compute),
    isOnHost: (name) => name === 'latent' || name === 'frames' || (isTiled && isState(name)),
  };
  const sizes = [...new Map(tiles.map((tile) => [keyOf(tile), tile])).values()];
  const graphOf = (size: LatentSize, chunk: ChunkKind) =>
    vaeChunkGraph(config, tensors, { ...size, ...compute, units, kind: chunk, unlimited: true });
  const arena = compute.attention === 'cuda' ? arenaFor('cuda') : undefined;
  const session = (size: LatentSize, chunk: ChunkKind) => sessionMemory(graphOf(size, chunk), [{}], loading, arena);
  const first = sumOfSessions(sizes.map((size) => session(size, 'first')));
  const later = sumOfSessions(sizes.map((size) => session(size, 'steady')));
  const statesBy = new Map(sizes.map((size) => [keyOf(size), statesOf(graphOf(size, 'steady'))]));
  const states = sum(tiles.map((tile) => statesBy.get(keyOf(tile))!));
  const isCarried = isTiled && compute.attention === 'cuda';
  return {
    ...later,
    // What the first latent's graphs have left in a device's arena is there for the later ones.
    working: later.working + (arena === undefined ? 0 : first.working),
    states: isCarried ? 0 : states,
    carried: isCarried ? states : 0,
    hidden: hiddenOf(input, sizes),
    pictures: endsDecoder(input) ? picturesOf(input, sizes) : 0,
    first: first.weights + first.working,
  };
}

/** Bytes of a part of a decoder at work, where it is. */
export function bytesOfDecoder({ weights, working, states, hidden, first }: DecoderUse): number {
  return weights + states + hidden + Math.max(working, first);
}

function endsDecoder({ config, units }: DecoderInput): boolean {
  return units.endUnit === allUnits(config).endUnit;
}

/** Room for what comes in, where the part does not begin the decoder, and for what goes out, where it does not end it: of the largest tile. */
function hiddenOf(input: DecoderInput, sizes: readonly LatentSize[]): number {
  const { config, units, compute } = input;
  const { firstUnit, endUnit } = units;
  const roomBefore = (unit: number) => {
    const shapes = sizes.map((size) => hiddenShape(config, { ...size, ...compute, kind: 'steady' }, unit));
    return Math.max(...shapes.map(elementCount)) * bytesPerElement(compute.dtype);
  };
  return (firstUnit === 0 ? 0 : roomBefore(firstUnit)) + (endsDecoder(input) ? 0 : roomBefore(endUnit));
}

/** Planes of each size of tiles, the picture that tiles are put together in, and frames on their way. */
function picturesOf({ picture, tiles, parts }: DecoderInput, sizes: readonly LatentSize[]): number {
  const planes = sum(sizes.map(pixelsOf)) + (tiles.length > 1 ? 2 * pixelsOf(picture) : 0);
  const frames = (parts + LATENTS_ON_THE_WAY) * pixelsOf(picture);
  return 3 * FRAMES_PER_LATENT * (planes * FLOAT32_BYTES + frames);
}

function keyOf({ height, width }: LatentSize): string {
  return `${height} × ${width}`;
}

function pixelsOf({ height, width }: LatentSize): number {
  return height * width * PIXELS_PER_LATENT ** 2;
}

function isState(name: string): boolean {
  return name.startsWith('state.') || name.startsWith('next.');
}

/** A decoder's states come into the graph of a later latent. */
function statesOf({ inputs }: Pick<Graph, 'inputs'>): number {
  const states = inputs.filter(({ name }) => isState(name));
  return sum(states.map((edge) => edgeBytes(edge, {})));
}
