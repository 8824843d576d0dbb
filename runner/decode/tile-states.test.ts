import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cpuDevices } from '../ort/device.ts';
import { openModel } from '../weights/open-model.ts';
import type { DecoderModel, DecoderOptions } from './decoder.ts';
import { openRooms, type StateCopy } from './tile-states.ts';
import { openTiledPart } from './tiled.ts';
import type { Tiling } from './tiles.ts';

const opened = openModel(join(import.meta.dirname, '../../test/golden/data/tiny-wan'));
const model: DecoderModel = { config: opened.config.vae, weights: opened.vae };
const [device] = cpuDevices(1);
/** Tiles of 32 pixels every 24: of 5 × 6 latents there are four sizes. */
const SMALL: Tiling = { size: 4, stride: 3 };
const LATENTS = Array.from({ length: 3 }, (_, at) =>
  Float32Array.from({ length: model.config.latentChannels * 5 * 6 }, (__, i) => Math.sin(i * (at + 1))),
);

/** All frames, with states where they are kept, or in rooms to which they are copied. */
function decode(options: Partial<DecoderOptions>, copies?: StateCopy[]): readonly Float32Array[] {
  using stack = new DisposableStack();
  const all: DecoderOptions = { device: device!, latentHeight: 5, latentWidth: 6, ...options };
  const copy = (what: StateCopy) => {
    copies!.push(what);
    const bytes = ({ data }: StateCopy['from']) => data as Uint8Array;
    bytes(what.to).set(bytes(what.from).subarray(0, what.bytes));
  };
  const part =
    copies === undefined
      ? openTiledPart(model, all, SMALL, stack)
      : openTiledPart(model, all, SMALL, stack, (session, largest, theirs) =>
          openRooms(session, largest, theirs, copy),
        );
  return LATENTS.map((latent) => {
    const made = Array.from({ length: part.tiles }, () => part.run(latent, () => undefined));
    return made.at(-1)!.pictures!.planes.slice();
  });
}

describe.each([
  { what: 'float32', options: {} },
  { what: 'float16', options: { dtype: 'F16' } },
  { what: 'float32, as if latents had been decoded before', options: { continued: true } },
] as const)('tiles whose states are copied to one room and back, in $what', ({ options }) => {
  const copies: StateCopy[] = [];
  const frames = decode(options, copies);

  test('have the bits of tiles whose states stay where they are', () => {
    expect(frames).toEqual(decode(options));
  });

  test('copy every state back after each tile, and there before each but those of the first latent', () => {
    const rooms = new Set(copies.map(({ from }) => from.data!.buffer));
    expect(rooms.size).toBeGreaterThan(0);
    const tiles = 4;
    const isContinued = 'continued' in options;
    const states = copies.length / tiles / (isContinued ? 6 : 5);
    expect(Number.isInteger(states)).toBe(true);
  });
});
