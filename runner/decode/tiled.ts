import { type ChunkKind, vaeStates } from '../model/vae-decoder.ts';
import { own } from '../ort/lifetime.ts';
import type { Session } from '../ort/session.ts';
import { hostValue, type Value } from '../ort/value.ts';
import { zeros } from '../tensor.ts';
import { type Chunk, loadChunk, type Resident, zeroState } from './chunk.ts';
import type { DecoderModel, DecoderOptions } from './decoder.ts';
import { decodeError } from './errors.ts';
import { limitPicture } from './limit.ts';
import { createMosaic, type Tile } from './mosaic.ts';
import { type Ends, openEnds, type Part } from './part.ts';
import { type OpenStateRooms, openStateRooms, type StateRooms } from './tile-states.ts';
import { copyRectangle, spansOf, type Tiling } from './tiles.ts';

/** Tiles of one size share graphs and the memory of their latent. */
interface TileSize {
  readonly height: number;
  readonly width: number;
  readonly latent: Float32Array;
  readonly value: Value;
}

/**
 * A part of the decoder in tiles, for devices that the whole picture does not fit: each latent is decoded tile by tile. Every tile has
 * states of its own. They stay in host memory, about 1.7 times what a whole picture's take on the device, where there is room for those
 * of one tile. It is released with the stack. Throws `E_DEVICE_…`, for the graphs of later latents after the first was decoded.
 */
export function openTiledPart(
  model: DecoderModel,
  options: DecoderOptions,
  tiling: Tiling,
  stack: DisposableStack,
  openRooms: OpenStateRooms = openStateRooms,
): Part {
  const { latentHeight, latentWidth, continued = false, firstLatent = 0 } = options;
  const whole = { channels: model.config.latentChannels, height: latentHeight, width: latentWidth };
  const mosaic = createMosaic(tiling, spansOf(tiling, latentHeight), spansOf(tiling, latentWidth));
  const sizes = new Map<string, TileSize>();
  for (const { vertical, horizontal } of mosaic.tiles) {
    const size = { height: vertical.length, width: horizontal.length };
    if (!sizes.has(keyOf(size))) sizes.set(keyOf(size), openSize(model, size, stack));
  }
  const tiles = mosaic.tiles.map((tile) => {
    const size = sizes.get(keyOf({ height: tile.vertical.length, width: tile.horizontal.length })) as TileSize;
    return { tile, size, states: openStates(model, options, size, stack) };
  });
  const largest = tiles.toSorted((a, b) => areaOf(b.size) - areaOf(a.size))[0]!;
  const load = (kind: ChunkKind) => {
    const open = (session: Session, theirs: DisposableStack) => ({
      ends: openEnds(model, options, largest.size, session, theirs),
      states: openRooms(session, largest.states, theirs),
    });
    return loadGraphs(model, options, { sizes: [...sizes.values()], kind, largest: largest.size }, open);
  };
  /** The graphs of a film's first latent are needed once. */
  let graphs = load(continued ? 'steady' : 'first');
  stack.defer(() => graphs.release());
  let done = 0;

  function put(values: Float32Array, tile: Tile, size: TileSize): Value {
    const { channels, height, width } = whole;
    if (values.length !== channels * height * width) {
      throw decodeError('E_DECODE_LATENTS', {
        found: values.length,
        wanted: [1, channels, 1, height, width].join(', '),
      });
    }
    cutLatent(values, tile, size, whole);
    return size.value;
  }

  return {
    tiles: tiles.length,
    run(given, taken) {
      const at = done % tiles.length;
      const latent = Math.floor(done / tiles.length);
      if (latent > 0 && graphs.kind === 'first') {
        graphs.release();
        graphs = load('steady');
      }
      const { tile, size, states } = tiles[at]!;
      const form = { height: size.height, width: size.width, kind: graphs.kind };
      const { ends, states: rooms } = graphs;
      const input = given instanceof Float32Array ? put(given, tile, size) : ends.take(given, form);
      taken();
      const chunk = graphs.of(size);
      chunk.attach(rooms.of(states));
      if (graphs.kind === 'steady') rooms.bring(states);
      const { planes, frames } = chunk.run(input, ends.room(form));
      rooms.keep(states);
      done += 1;
      if (ends.handed !== null) return { handed: ends.handed, pictures: null };
      mosaic.place(tile, planes, frames);
      if (at < tiles.length - 1) return { handed: null, pictures: null };
      const picture = mosaic.picture(frames);
      if (!limitPicture(picture)) throw decodeError('E_DECODE_NOT_FINITE', { latent: firstLatent + latent });
      return { handed: null, pictures: { planes: picture, frames } };
    },
  };
}

interface Size {
  readonly height: number;
  readonly width: number;
}

const keyOf = ({ height, width }: Size) => `${height} × ${width}`;
const areaOf = ({ height, width }: Size) => height * width;

function openSize({ config }: DecoderModel, size: Size, stack: DisposableStack): TileSize {
  const { data, shape } = zeros([1, config.latentChannels, 1, size.height, size.width]);
  return { ...size, latent: data, value: own(stack, hostValue(data, 'F32', shape)) };
}

/** How items and states come to the graphs of a latent and go from them. */
interface Ways {
  readonly ends: Ends;
  readonly states: StateRooms;
}

/** The graphs of a latent, one for each size of tile. */
interface Graphs extends Ways {
  readonly kind: ChunkKind;
  of(size: Size): Chunk;
  release(): void;
}

function loadGraphs(
  model: DecoderModel,
  options: DecoderOptions,
  { sizes, kind, largest }: { readonly sizes: readonly Size[]; readonly kind: ChunkKind; readonly largest: Size },
  openWays: (session: Session, stack: DisposableStack) => Ways,
): Graphs {
  const { device, dtype = 'F32', units } = options;
  using stack = new DisposableStack();
  const graph = { kind, unlimited: true, dtype, ...(units === undefined ? {} : { units }) };
  const chunks = new Map(
    sizes.map((size) => {
      const { height, width } = size;
      return [keyOf(size), own(stack, loadChunk(model, device, { ...graph, height, width }))];
    }),
  );
  const ways = openWays(chunks.get(keyOf(largest))!.session, stack);
  const held = stack.move();
  return { kind, ...ways, of: (size) => chunks.get(keyOf(size))!, release: () => held.dispose() };
}

/** All zero, as before a film's first latent. */
function openStates(
  { config, weights }: DecoderModel,
  { device, dtype = 'F32', units }: DecoderOptions,
  { height, width }: Size,
  stack: DisposableStack,
): readonly Resident[] {
  const graph = { height, width, attention: device.kind, dtype, ...(units === undefined ? {} : { units }) };
  return vaeStates(config, weights.tensors, graph).map(({ name, shape }) => ({
    name,
    value: own(stack, zeroState(dtype, shape)),
  }));
}

function cutLatent(
  values: Float32Array,
  { vertical, horizontal }: Tile,
  { latent: data, height, width }: TileSize,
  whole: Size & { readonly channels: number },
): void {
  const from = { data: values, ...whole, y: vertical.start, x: horizontal.start };
  copyRectangle({ pictures: whole.channels, height, width }, from, { data, height, width, y: 0, x: 0 });
}
