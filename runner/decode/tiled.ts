import { type ChunkKind, vaeStates } from '../model/vae-decoder.ts';
import { hostValue, type Value } from '../ort/value.ts';
import { zeros } from '../tensor.ts';
import { type Chunk, loadChunk, type Resident, zeroState } from './chunk.ts';
import type { Decoder, DecoderModel, DecoderOptions } from './decoder.ts';
import { decodeError } from './errors.ts';
import { limitPicture } from './limit.ts';
import { createMosaic, type Tile } from './mosaic.ts';
import { copyRectangle, spansOf, type Tiling } from './tiles.ts';

/** Tiles of one size share a graph and the memory of their latent. */
interface TileSize {
  readonly height: number;
  readonly width: number;
  readonly latent: Float32Array;
  readonly value: Value;
  chunk: Chunk;
}

/**
 * The decoder in tiles, for devices that the whole picture does not fit: each latent is decoded tile by tile. Every tile has
 * states of its own. They stay in host memory, about 1.7 times what a whole picture's take on the device, where only those of one
 * tile are at a time. Throws `E_DEVICE_…`, for the graphs of later latents after the first was decoded.
 */
export function openTiledDecoder(model: DecoderModel, options: DecoderOptions, tiling: Tiling): Decoder {
  const { latentHeight, latentWidth, continued = false } = options;
  const channels = model.config.latentChannels;
  const mosaic = createMosaic(tiling, spansOf(tiling, latentHeight), spansOf(tiling, latentWidth));
  const sizes = new Map<string, TileSize>();
  for (const { vertical, horizontal } of mosaic.tiles) {
    const size = { height: vertical.length, width: horizontal.length };
    if (!sizes.has(keyOf(size))) sizes.set(keyOf(size), openSize(model, options, size));
  }
  const tiles = mosaic.tiles.map((tile) => {
    const size = sizes.get(keyOf({ height: tile.vertical.length, width: tile.horizontal.length })) as TileSize;
    return { tile, size, states: openStates(model, options, size) };
  });
  let loaded: ChunkKind = continued ? 'steady' : 'first';
  let wanted = loaded;
  let done = 0;

  /** The graph of a film's first latent is needed once. */
  function loadSteady(): void {
    for (const size of sizes.values()) {
      size.chunk.release();
      size.chunk = loadChunk(model, options.device, steadyOf(options, size));
    }
    loaded = 'steady';
  }

  return {
    decode(values) {
      if (values.length !== channels * latentHeight * latentWidth) {
        const shape = [1, channels, 1, latentHeight, latentWidth].join(', ');
        throw decodeError('E_DECODE_LATENTS', { found: values.length, wanted: shape });
      }
      if (wanted !== loaded) loadSteady();
      wanted = 'steady';
      let frames = 0;
      for (const { tile, size, states } of tiles) {
        cutLatent(values, tile, size, { channels, height: latentHeight, width: latentWidth });
        size.chunk.attach(states);
        const pictures = size.chunk.run(size.value);
        frames = pictures.frames;
        mosaic.place(tile, pictures.planes, frames);
      }
      const planes = mosaic.picture(frames);
      if (!limitPicture(planes)) throw decodeError('E_DECODE_NOT_FINITE', { latent: done });
      done += 1;
      return { planes, frames };
    },
    release() {
      for (const { chunk, value } of sizes.values()) {
        chunk.release();
        value.release();
      }
      for (const { states } of tiles) for (const { value } of states) value.release();
    },
  };
}

interface Size {
  readonly height: number;
  readonly width: number;
}

const keyOf = ({ height, width }: Size) => `${height} × ${width}`;
const steadyOf = ({ dtype = 'F32' }: DecoderOptions, { height, width }: Size) =>
  ({ kind: 'steady', height, width, unlimited: true, dtype }) as const;

function openSize(model: DecoderModel, options: DecoderOptions, size: Size): TileSize {
  const { data, shape } = zeros([1, model.config.latentChannels, 1, size.height, size.width]);
  const chunk = loadChunk(model, options.device, {
    ...steadyOf(options, size),
    ...(options.continued ? {} : { kind: 'first' }),
  });
  return { ...size, latent: data, value: hostValue(data, 'F32', shape), chunk };
}

/** All zero, as before a film's first latent. */
function openStates(
  { config, weights }: DecoderModel,
  { device, dtype = 'F32' }: DecoderOptions,
  { height, width }: Size,
): readonly Resident[] {
  const graph = { height, width, attention: device.kind, dtype };
  return vaeStates(config, weights.tensors, graph).map(({ name, shape }) => ({
    name,
    value: zeroState(dtype, shape),
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
