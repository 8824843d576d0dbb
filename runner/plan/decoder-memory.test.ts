import { describe, expect, test } from 'vitest';
import { decoderParts } from '../../test/build/decoder-parts.ts';
import { WAN_1_3B } from '../../test/build/film-plan.ts';
import type { TensorIndex } from '../model/graph.ts';
import { vaeDecoderTensors } from '../model/tensor-names.ts';
import { vaeChunkGraph } from '../model/vae-decoder.ts';
import { allUnits } from '../model/vae-units.ts';
import { elementCount } from '../tensor.ts';
import { bytesOfDecoder, type DecoderInput, decoderUse } from './decoder-memory.ts';
import { edgeBytes } from './execution.ts';
import { sum } from './session-memory.ts';

const config = WAN_1_3B.vae;
const tensors: TensorIndex = new Map(
  [...vaeDecoderTensors(config)].map(([name, shape]) => {
    return [name, { file: 'vae', offset: 0, byteLength: 4 * elementCount(shape), dtype: 'F32', shape }] as const;
  }),
);

/** 480p, by a decoder as wide as Wan's. */
const picture = { height: 60, width: 104 };
const TILES = { height: 32, width: 32 };
const large = { ...TILES, width: 40 };
type Way = Pick<DecoderInput, 'tiles' | 'compute'> & { readonly what: string };
const WAYS: readonly Way[] = [
  { what: 'on CUDA', tiles: [picture], compute: { attention: 'cuda', dtype: 'F32' } },
  { what: 'on CUDA in float16', tiles: [picture], compute: { attention: 'cuda', dtype: 'F16' } },
  { what: 'on CUDA in tiles', tiles: [TILES, TILES, large], compute: { attention: 'cuda', dtype: 'F32' } },
  { what: 'on the processor', tiles: [picture], compute: { attention: 'cpu', dtype: 'F32' } },
  { what: 'on the processor in tiles', tiles: [TILES, large, TILES], compute: { attention: 'cpu', dtype: 'F32' } },
];

/** Use of each part of a decoder in so many. */
function usesOf({ tiles, compute }: Way, parts: number) {
  return decoderParts(parts, parts).map(({ firstUnit, endUnit }) =>
    decoderUse({ config, tensors, latents: 9, units: { firstUnit, endUnit }, parts, picture, tiles, compute }),
  );
}

const CASES = WAYS.flatMap((way) => [2, 4, 8].map((parts) => ({ ...way, parts })));

describe.each(CASES)('a decoder in $parts parts $what', ({ parts, ...way }) => {
  const [whole] = usesOf(way, 1);
  const uses = usesOf(way, parts);
  const total = (of: (use: (typeof uses)[number]) => number) => sum(uses.map(of));

  test('has in all of them the states of the whole one, and its stored numbers', () => {
    expect(total(({ states }) => states)).toBe(whole!.states);
    expect(total(({ carried }) => carried)).toBe(whole!.carried);
    // Constants that several parts have are in each of them.
    const stored = total(({ weights, mapped }) => weights + mapped) / (whole!.weights + whole!.mapped);
    expect(stored).toBeGreaterThanOrEqual(1);
    expect(stored).toBeLessThan(1.0001);
  });

  test('has room for what goes from part to part on either side, of the largest tile', () => {
    const { compute, tiles } = way;
    const size = tiles.toSorted((a, b) => b.width - a.width)[0]!;
    const passed = decoderParts(parts, parts).map(({ firstUnit, endUnit }) => {
      const options = { ...size, ...compute, kind: 'steady', units: { firstUnit, endUnit } } as const;
      const { inputs, outputs } = vaeChunkGraph(config, tensors, options);
      const [hidden] = inputs.filter(({ name }) => name === 'hidden');
      const [left] = outputs.filter(({ name }) => name !== 'frames' && !name.startsWith('next.'));
      return {
        in: hidden === undefined ? 0 : edgeBytes(hidden, {}),
        out: left === undefined ? 0 : edgeBytes(left, {}),
      };
    });
    expect(uses.map(({ hidden }) => hidden)).toEqual(passed.map((one) => one.in + one.out));
    expect(passed.slice(1).map((one) => one.in)).toEqual(passed.slice(0, -1).map(({ out }) => out));
    expect([passed[0]!.in, passed.at(-1)!.out]).toEqual([0, 0]);
    expect(passed[0]!.out).toBeGreaterThan(0);
  });

  test('has pictures on the host once, and one more on its way for each part', () => {
    const frames = 3 * 4 * (8 * picture.height) * (8 * picture.width);
    expect(uses.slice(0, -1).map(({ pictures }) => pictures)).toEqual(new Array(parts - 1).fill(0));
    expect(uses.at(-1)!.pictures - whole!.pictures).toBe((parts - 1) * frames);
  });

  test('takes less in each of them than the whole one does', () => {
    for (const use of uses) expect(bytesOfDecoder(use)).toBeLessThan(bytesOfDecoder(whole!));
    expect(total(bytesOfDecoder)).toBeGreaterThan(bytesOfDecoder(whole!) / 2);
  });
});

describe('a film of one latent', () => {
  test.each(WAYS)('has no graphs of later ones at work: $what', ({ tiles, compute }) => {
    const use = (latents: number) =>
      decoderUse({ config, tensors, units: allUnits(config), parts: 1, latents, picture, tiles, compute });
    const [one, more] = [use(1), use(2)];
    expect(bytesOfDecoder(one)).toBeLessThan(0.9 * bytesOfDecoder(more));
    expect(one.states).toBe(more.states);
    expect(use(9)).toEqual(more);
  });
});

test('a device has the states of its largest tile, whatever there are more of', () => {
  const of = (tiles: DecoderInput['tiles'], attention: 'cuda' | 'cpu') => {
    const compute = { attention, dtype: 'F32' } as const;
    return decoderUse({ config, tensors, units: allUnits(config), parts: 1, latents: 9, picture, tiles, compute });
  };
  const [small, wide] = [of([TILES, TILES], 'cuda'), of([TILES, large, TILES], 'cuda')];
  expect(small.states).toBe(small.carried / 2);
  expect(wide.states).toBe(wide.carried - small.carried);
  expect(of([TILES, large, TILES], 'cpu')).toMatchObject({ states: wide.carried, carried: 0 });
});

describe('between two units', () => {
  /** Before the last enlargement: four frames of 192 channels, four times as high and wide as the latent. */
  const cut = { height: 240, width: 416, channels: 192, frames: 4, unit: 15 };
  const numbers = cut.channels * cut.frames * cut.height * cut.width;
  const of = (firstUnit: number, endUnit: number, dtype: 'F32' | 'F16' = 'F32') => {
    const compute = { attention: 'cuda', dtype } as const;
    const units = { firstUnit, endUnit };
    return decoderUse({ config, tensors, units, parts: 2, latents: 9, picture, tiles: [picture], compute });
  };

  test('there is a tensor of the type that is computed in, on both sides', () => {
    expect(of(0, cut.unit).hidden).toBe(4 * numbers);
    expect(of(cut.unit, 20).hidden).toBe(4 * numbers);
    expect(of(cut.unit, 20, 'F16').hidden).toBe(2 * numbers);
  });

  test('a part in the middle has room for both', () => {
    expect(of(8, cut.unit).hidden).toBe(of(0, 8).hidden + 4 * numbers);
  });

  test('the whole decoder has none', () => {
    const { firstUnit, endUnit } = allUnits(config);
    expect(of(firstUnit, endUnit).hidden).toBe(0);
  });
});
