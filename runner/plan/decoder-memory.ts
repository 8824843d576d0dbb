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
import {
  arenaFor,
  type Loading,
  operationBytes,
  type SessionMemory,
  sessionMemory,
  storedMemory,
  sum,
  sumOfSessions,
} from './session-memory.ts';
import { shortened, turnInArena } from './turns.ts';

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
  /** Of the film. */
  readonly latents: number;
  readonly picture: LatentSize;
  readonly tiles: readonly LatentSize[];
  /** Where it is computed, and in what number format. */
  readonly compute: { readonly attention: ChunkOptions['attention']; readonly dtype: ChunkType };
}

/** Memory of a part of a film's decoder, in bytes. */
export interface DecoderUse extends SessionMemory {
  /** What convolutions saw of the frames before, where the part is; on a device that works in tiles, those of the tile that it is at. */
  readonly states: number;
  /** The same of all tiles, where a device works in them: on the host. */
  readonly carried: number;
  /** Room for what the part before has left, and for what goes to the one after, where the part is: of one tile each. */
  readonly hidden: number;
  /** Pictures of a latent, as planes of numbers and as frames: on the host, once, with the part that ends the decoder. */
  readonly pictures: number;
  /** The graphs of a film's first latent, which are gone when the next is decoded: what they take beside `weights`. */
  readonly first: number;
}

/** The same, and which part it is. */
export interface DecoderPartUse extends DecoderUse, DecoderPart {}

const PIXELS_PER_LATENT = 8;
const FRAMES_PER_LATENT = 4;
const FLOAT32_BYTES = 4;
/** What graphs of two sizes take of a device, one after the other, is all there after so many times. */
const MOST_TURNS = 2;
/** Frames of so many latents are on their way at once, beside one in each of the decoder's parts: sent, and encoded. */
const LATENTS_ON_THE_WAY = 3;

/** Memory of a part of the decoder; tiles of one size share a graph. */
export function decoderUse(input: DecoderInput): DecoderUse {
  const { config, tensors, units, latents, tiles, compute } = input;
  const isTiled = tiles.length > 1;
  const loading: Loading = {
    kind: compute.attention,
    threads: vaeThreads(config, compute),
    prepack: true,
    optimize: vaeOptimization(config, compute),
    isOnHost: (name) => name === 'latent' || name === 'frames',
  };
  const sizes = [...new Map(tiles.map((tile) => [keyOf(tile), tile])).values()];
  const graphsOf = (kind: ChunkKind): Graphs =>
    new Map(
      sizes.map((size) => {
        const options = { ...size, ...compute, units, kind, unlimited: true };
        return [keyOf(size), vaeChunkGraph(config, tensors, options)];
      }),
    );
  const graphs = { first: graphsOf('first'), steady: graphsOf('steady') };
  const workingIn = compute.attention === 'cuda' ? workingOnDevice : workingOnProcessor;
  const working = workingIn(graphs, { turns: tiles.map(keyOf), hasLater: latents > 1, loading });
  const storedOf = (kind: ChunkKind) =>
    sumOfSessions([...graphs[kind].values()].map((graph) => ({ ...storedMemory(graph, loading), working: 0 })));
  const first = storedOf('first');
  // For a whole picture both are loaded at once; in tiles one after the other, and the later ones for a later latent.
  const loaded = isTiled && latents === 1 ? first : storedOf('steady');
  const statesBy = new Map([...graphs.steady].map(([size, graph]) => [size, statesOf(graph)]));
  const states = sum(tiles.map((tile) => statesBy.get(keyOf(tile))!));
  const isCarried = isTiled && compute.attention === 'cuda';
  return {
    ...loaded,
    working: working.later,
    states: isCarried ? Math.max(...statesBy.values()) : states,
    carried: isCarried ? states : 0,
    hidden: hiddenOf(input, sizes),
    pictures: endsDecoder(input) ? picturesOf(input, sizes) : 0,
    first: first.weights + working.first - (isTiled ? loaded.weights : 0),
  };
}

/** The graphs of a latent, by the size of the tiles that they decode. */
type Graphs = ReadonlyMap<string, Graph>;
type GraphsOf = Readonly<Record<ChunkKind, Graphs>>;

/** What graphs take while they run, in bytes: those of the first latent, and of the later ones. */
interface Working {
  readonly first: number;
  readonly later: number;
}

interface Running {
  /** Sizes of the tiles of a latent, in their order. */
  readonly turns: readonly string[];
  /** The film has later latents. */
  readonly hasLater: boolean;
  readonly loading: Loading;
}

/** Measured on a processor: of the graphs of a first latent in tiles, which have gone, what the system does not have back. */
const LEFT_OF_FIRST = 1 / 4;

/** On a processor each graph has an arena of its own. */
function workingOnProcessor({ first, steady }: GraphsOf, { turns, hasLater, loading }: Running): Working {
  const bytesOf = (graph: Graph) => sessionMemory(graph, [{}], loading).working;
  const ofFirst = sum([...first.values()].map(bytesOf));
  const left = turns.length > 1 && hasLater ? LEFT_OF_FIRST * ofFirst : 0;
  return { first: ofFirst, later: left + sum([...steady.values()].map(hasLater ? bytesOf : operationBytes)) };
}

/** On a device all graphs have the same one, in which tiles of several sizes take turns. What the first latent's have left is there for the later ones. */
function workingOnDevice({ first, steady }: GraphsOf, { turns, hasLater, loading }: Running): Working {
  const arena = arenaFor('cuda');
  const runAll = (graphs: Graphs, order: readonly string[]) => {
    const loaded = new Map([...graphs].map(([size, graph]) => [size, turnInArena(graph, loading, arena)]));
    for (const size of shortened(order, MOST_TURNS)) loaded.get(size)!.run();
    for (const turn of loaded.values()) turn.release();
    return arena.reserved;
  };
  const ofFirst = runAll(first, turns);
  return { first: ofFirst, later: hasLater ? runAll(steady, [...turns, ...turns]) : 0 };
}

/** Bytes that a part of a decoder holds whatever it is at, where it is. */
export function heldByDecoder({ weights, states, hidden }: DecoderUse): number {
  return weights + states + hidden;
}

/** Bytes of a part of a decoder at work, where it is. */
export function bytesOfDecoder(use: DecoderUse): number {
  return heldByDecoder(use) + Math.max(use.working, use.first);
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
