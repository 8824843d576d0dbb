import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cutWithDecoder, type WholeCut } from './decoder-cut.ts';
import type { RunTimes } from './packing.ts';
import { balanceLayers, paceOf } from './slices.ts';

const sum = (times: readonly number[]) => times.reduce((total, time) => total + time, 0);
const sizesOf = ({ slices }: WholeCut) => slices.map(({ firstLayer, endLayer }) => endLayer - firstLayer);

/** The slowest device's time: each has its line's slice, what its stage does besides, and its part of the decoder. */
function pace({ besides, units, lines }: RunTimes, cut: WholeCut): number {
  const times = new Array<readonly number[]>(lines)
    .fill(sizesOf(cut).map((size, stage) => size + besides[stage]!))
    .flat();
  for (const { stage, firstUnit, endUnit } of cut.decoderParts) times[stage]! += sum(units.slice(firstUnit, endUnit));
  return Math.max(...times);
}

/** Layers cut around an undivided decoder on the last device. */
function undivided({ layers, besides, units }: RunTimes) {
  const around = [...besides.slice(0, -1), besides.at(-1)! + sum(units)];
  const slices = balanceLayers(layers, around);
  return { slices, pace: paceOf(slices, around) };
}

/** Runs of up to so many stages of a line and so many units; what they do besides is little, as embed and head are. */
function runs(most: { stages: number; units: number; layers: number; unit: number }): fc.Arbitrary<RunTimes> {
  return fc
    .record({
      stages: fc.integer({ min: 1, max: most.stages }),
      more: fc.nat(most.layers),
      lines: fc.constantFrom(1, 2),
      units: fc.array(fc.double({ min: 0, max: most.unit, noNaN: true }), { minLength: 1, maxLength: most.units }),
      ends: fc.tuple(fc.double({ min: 0, max: 0.02, noNaN: true }), fc.double({ min: 0, max: 0.02, noNaN: true })),
    })
    .map(({ stages, more, lines, units, ends: [embed, head] }) => ({
      layers: stages + more,
      lines,
      units,
      besides: Array.from(
        { length: stages },
        (_, stage) => (stage === 0 ? embed : 0) + (stage === stages - 1 ? head : 0),
      ),
    }));
}

describe('every cut', () => {
  const any = runs({ stages: 40, units: 20, layers: 40, unit: 3 });

  test('has all units once and in order, in parts that are not empty, each on another device', () => {
    fc.assert(
      fc.property(any, (run) => {
        const { decoderParts } = cutWithDecoder(run);
        expect(decoderParts[0]!.firstUnit).toBe(0);
        expect(decoderParts.at(-1)!.endUnit).toBe(run.units.length);
        for (const [index, { firstUnit, endUnit }] of decoderParts.entries()) {
          expect(endUnit).toBeGreaterThan(firstUnit);
          expect(decoderParts[index + 1]?.firstUnit ?? endUnit).toBe(endUnit);
        }
        expect(new Set(decoderParts.map(({ stage }) => stage)).size).toBe(decoderParts.length);
      }),
    );
  });

  test('decodes on the last devices, the last part on the very last one', () => {
    fc.assert(
      fc.property(any, (run) => {
        const stages = run.besides.length;
        const decoding = cutWithDecoder(run).decoderParts.map(({ stage }) => stage);
        expect(decoding.at(-1)).toBe(run.lines * stages - 1);
        const distances = decoding.map((stage) => stages - 1 - (stage % stages));
        expect(distances).toEqual(distances.map((_, part) => Math.floor((distances.length - 1 - part) / run.lines)));
      }),
    );
  });

  test('has all layers, one at least for every stage', () => {
    fc.assert(
      fc.property(any, (run) => {
        const cut = cutWithDecoder(run);
        expect(Math.min(...sizesOf(cut))).toBeGreaterThan(0);
        expect(sum(sizesOf(cut))).toBe(run.layers);
        expect(cut.slices.map(({ firstLayer }) => firstLayer)).toEqual([
          0,
          ...cut.slices.slice(0, -1).map(({ endLayer }) => endLayer),
        ]);
      }),
    );
  });

  test('is no slower than with an undivided decoder, and no faster than if all devices were always at work', () => {
    fc.assert(
      fc.property(any, (run) => {
        const found = pace(run, cutWithDecoder(run));
        const work = run.lines * (run.layers + sum(run.besides)) + sum(run.units);
        expect(found).toBeLessThanOrEqual(undivided(run).pace + 1e-9);
        expect(found).toBeGreaterThanOrEqual(work / (run.lines * run.besides.length) - 1e-9);
      }),
    );
  });
});

/** All ways to write `total` as a sum of `count` numbers from 1 on, in order. */
function* sums(total: number, count: number): Generator<readonly number[]> {
  if (count === 1) {
    if (total >= 1) yield [total];
    return;
  }
  for (let first = 1; first <= total - count + 1; first++) {
    for (const rest of sums(total - first, count - 1)) yield [first, ...rest];
  }
}

/** All ways to choose `count` of the devices, in any order. */
function* choices(devices: readonly number[], count: number): Generator<readonly number[]> {
  if (count === 0) yield [];
  else
    for (const one of devices)
      for (const rest of choices(
        devices.filter((other) => other !== one),
        count - 1,
      ))
        yield [one, ...rest];
}

/** The best pace of all cuts with so many parts: on one line on any devices, on two on the last ones, those of either line in turn. */
function bestOfAll({ layers, lines, besides, units }: RunTimes, parts: number): number {
  const stages = besides.length;
  const inTurn = besides.flatMap((_, stage) => Array.from({ length: lines }, (_, line) => line * stages + stage));
  const placings = lines === 1 ? [...choices(inTurn, parts)] : [inTurn.slice(-parts)];
  let best = Infinity;
  for (const cut of sums(units.length, parts)) {
    const times = cut.map((size, part) => {
      const first = sum(cut.slice(0, part));
      return sum(units.slice(first, first + size));
    });
    for (const placing of placings) {
      for (const sizes of sums(layers, stages)) {
        const busy = inTurn.map(
          (device) => sizes[device % stages]! + besides[device % stages]! + (times[placing.indexOf(device)] ?? 0),
        );
        best = Math.min(best, Math.max(...busy));
      }
    }
  }
  return best;
}

test('no other cut is faster by more than 1 %, and none that is not slower by more has fewer parts', () => {
  const few = runs({ stages: 3, units: 5, layers: 3, unit: 1.5 }).map((run) => ({
    ...run,
    besides: run.besides.map(() => 0),
  }));
  fc.assert(
    fc.property(few, (run) => {
      const cut = cutWithDecoder(run);
      const parts = cut.decoderParts.length;
      const most = Math.min(run.lines * run.besides.length, run.units.length);
      const paces = Array.from({ length: most }, (_, index) => bestOfAll(run, index + 1));
      const enough = Math.min(...paces) / 0.99;
      expect(pace(run, cut)).toBeLessThanOrEqual(enough * (1 + 1e-6));
      for (const fewer of paces.slice(0, parts - 1)) expect(fewer).toBeGreaterThan(enough * (1 - 1e-6));
    }),
    { numRuns: 300 },
  );
});

/** A run of stages that do nothing besides layers and decoding. */
const plain = (layers: number, stages: number, units: readonly number[], lines = 1): RunTimes => ({
  ...{ layers, lines, units },
  besides: new Array(stages).fill(0),
});

test.each([
  { what: 'one device has everything', run: plain(5, 1, [1, 2]), sizes: [5], parts: [[0, 0, 2]] },
  {
    what: 'a decoder that takes no stage’s time is not cut',
    run: plain(30, 8, [0, 0, 0]),
    sizes: [4, 4, 4, 4, 4, 4, 3, 3],
    parts: [[7, 0, 3]],
  },
  {
    what: 'nor one for which the last device has time',
    run: plain(30, 8, [0.3, 0.3, 0.4]),
    sizes: [4, 4, 4, 4, 4, 4, 3, 3],
    parts: [[7, 0, 3]],
  },
  {
    what: 'parts are as few as will do',
    run: plain(8, 4, [1, 1, 1, 1]),
    sizes: [3, 3, 1, 1],
    parts: [
      [2, 0, 2],
      [3, 2, 4],
    ],
  },
  {
    what: 'more devices than units have one unit each at most',
    run: plain(6, 6, [1, 1]),
    sizes: [1, 1, 1, 1, 1, 1],
    parts: [
      [4, 0, 1],
      [5, 1, 2],
    ],
  },
  {
    what: 'two lines decode on the last devices of both',
    run: plain(4, 2, [1, 1, 1, 1], 2),
    sizes: [3, 1],
    parts: [
      [1, 0, 2],
      [3, 2, 4],
    ],
  },
  {
    what: 'an odd number of parts has one on the second line alone',
    run: plain(2, 2, [1, 1, 1], 2),
    sizes: [1, 1],
    parts: [
      [2, 0, 1],
      [1, 1, 2],
      [3, 2, 3],
    ],
  },
])('$what', ({ run, sizes, parts }) => {
  const cut = cutWithDecoder(run);
  expect(sizesOf(cut)).toEqual(sizes);
  expect(cut.decoderParts.map(({ stage, firstUnit, endUnit }) => [stage, firstUnit, endUnit])).toEqual(parts);
});
