import { expect, test } from 'vitest';
import { A14B, job, WAN_1_3B } from '../../test/build/film-plan.ts';
import { balanceOf, timesOf } from './balance.ts';
import { cutIntoBlocks, latentsOfFrames } from './blocks.ts';
import { cutByTime, type UncutRun } from './cut-by-time.ts';
import { FLOAT32 } from './precision.ts';
import { itemsOf } from './schedule.ts';
import { balanceLayers } from './slices.ts';
import { decoderSlowness } from './speeds.ts';
import { decoderWork, workOf } from './work.ts';

const card = (name: string) => ({ name: `cuda:0 (${name})`, kind: 'cuda', card: name }) as const;
const H200 = card('NVIDIA H200');
const STEPS = 50;

function run(changes: Partial<UncutRun> = {}): UncutRun {
  const { parallelism, frames } = job();
  const cut = cutIntoBlocks(latentsOfFrames(frames), parallelism.blockLatents, parallelism.contextLatents);
  return {
    config: WAN_1_3B,
    cut,
    sizes: { windowTokens: 18_720, contextTokens: 6240, textTokens: 512, latentHeight: 60, latentWidth: 104 },
    schedule: {
      blocks: cut.blocks,
      steps: STEPS,
      branches: 2,
      contextLatents: 4,
      expertOfStep: new Array(STEPS).fill(0),
    },
    stages: 8,
    lines: 1,
    devices: new Array(8).fill(H200),
    precision: { sampling: 'bfloat16', decoding: 'float32' },
    options: {},
    ...changes,
  };
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
const sizesOf = ({ slices }: ReturnType<typeof cutByTime>) =>
  slices.map(({ firstLayer, endLayer }) => endLayer - firstLayer);

test('a latent of 480p costs Wan’s decoder 13.55 · 10¹² operations', () => {
  expect(sum(decoderWork(WAN_1_3B.vae, 60, 104)) / 1e12).toBeCloseTo(13.55, 2);
});

const UNGUIDED = { schedule: { ...run().schedule, branches: 1 } };

test.each([
  { model: '1.3B', stages: 4, busy: 0.999, undivided: 0.939, decodes: 4 },
  { model: '1.3B', stages: 8, busy: 0.971, undivided: 0.845, decodes: 7 },
  { model: '1.3B', stages: 16, busy: 0.899, undivided: 0.439, decodes: 7 },
  { model: '1.3B', stages: 30, busy: 0.775, undivided: 0.234, decodes: 10 },
  { model: '14B', stages: 8, busy: 0.987, undivided: 0.877, decodes: 7 },
  { model: '14B', stages: 16, busy: 0.85, undivided: 0.85, decodes: 1 },
  { model: '14B', stages: 20, busy: 0.973, undivided: 0.724, decodes: 10 },
  { model: '1.3B', stages: 8, busy: 0.958, undivided: 0.546, decodes: 7, changes: UNGUIDED },
  { model: '1.3B', stages: 8, busy: 0.96, undivided: 0.845, decodes: 6, changes: { lines: 2 } },
])(
  '$model on $stages cards, $decodes of which decode: busy $busy, with all decoding on the last one $undivided',
  ({ model, stages, busy, undivided, decodes, changes }) => {
    const config = model === '14B' ? A14B : WAN_1_3B;
    const one = run({ config, stages, devices: new Array(stages).fill(H200), ...changes });
    const { balance, decoderParts } = cutByTime(one);
    expect(balance.busyShare).toBeCloseTo(busy, 3);
    expect(decoderParts).toHaveLength(decodes);
    expect(balance.decodingShares.filter((share) => share > 0)).toHaveLength(decodes);
    expect(undividedOf(one).busyShare).toBeCloseTo(undivided, 3);
  },
);

/** The balance of layers that are cut around an undivided decoder on the last device. */
function undividedOf({ config, cut, sizes, schedule, stages, lines, precision }: UncutRun) {
  const times = timesOf({
    layers: config.transformer.layers,
    lines,
    stagesOfLine: stages / lines,
    work: workOf(config, sizes),
    latentsPerItem: (cut.blockLatents * cut.blocks * lines) / itemsOf(schedule),
    decoderSlowness: decoderSlowness(precision),
  });
  const [last, all] = [times.besides.length - 1, times.units.length];
  const around = times.besides.map((time, stage) => (stage === last ? time + sum(times.units) : time));
  const slices = balanceLayers(times.layers, around);
  return balanceOf({ slices, decoderParts: [{ stage: stages - 1, firstUnit: 0, endUnit: all }] }, times);
}

test('at 1.3B in bfloat16 no card of eight has more than four layers, some fewer beside their part of decoding', () => {
  const cut = cutByTime(run());
  expect(new Set(sizesOf(cut))).toEqual(new Set([3, 4]));
  expect(cut.balance.pace).toBeGreaterThan(4.2);
  expect(cut.balance.pace).toBeLessThan(4.4);
});

test('a decoder in float16, which cards are slower at, takes more of their time and sets a slower pace', () => {
  const half = cutByTime(run({ precision: { sampling: 'bfloat16', decoding: 'float16' } }));
  expect(half.balance.pace).toBeGreaterThan(1.08 * cutByTime(run()).balance.pace);
  expect(sum(half.balance.decodingShares)).toBeGreaterThan(sum(cutByTime(run()).balance.decodingShares));
});

test('with float32 in both the last of eight cards has time for all decoding, and layers are cut as they were', () => {
  const cut = cutByTime(run({ precision: FLOAT32 }));
  expect(cut.decoderParts).toEqual([{ stage: 7, firstUnit: 0, endUnit: 20 }]);
  expect(sizesOf(cut)).toEqual([4, 4, 4, 4, 4, 4, 3, 3]);
  expect(cut.balance.busyShare).toBeCloseTo(0.945, 3);
});

test('on a processor that all stages share the layers alone are cut', () => {
  const cut = cutByTime(run({ devices: new Array(8).fill({ name: 'cpu:0' }) }));
  expect(sizesOf(cut)).toEqual([4, 4, 4, 4, 4, 4, 3, 3]);
  expect(cut.balance.busyShares[7]).toBeCloseTo(0.75, 2);
  expect(cut.balance.decodingShares).toEqual(new Array(8).fill(0));
  expect(cut.decoderParts).toEqual([{ stage: 7, firstUnit: 0, endUnit: 20 }]);
  expect(cut.secondsPerItem).toBeNull();
});

test('a time is expected of a card and a type that were measured, of no other type', () => {
  expect(cutByTime(run({ stages: 1, devices: [H200] })).secondsPerItem).toBeCloseTo(30 * 0.0087 + 0.034, 1);
  expect(cutByTime(run()).secondsPerItem).not.toBeNull();
  expect(cutByTime(run({ precision: FLOAT32 })).secondsPerItem).toBeNull();
});

test.each([
  { what: 'an L4', devices: [card('NVIDIA L4')] },
  { what: 'a GH200', devices: [card('NVIDIA GH200 480GB')] },
  { what: 'an H200 NVL', devices: [card('NVIDIA H200 NVL')] },
  { what: 'a slice of an H200', devices: [card('NVIDIA H200 MIG 1g.18gb')] },
  { what: 'a slice that has its card’s name', devices: [{ name: 'cuda:0 (NVIDIA H200)', kind: 'cuda' as const }] },
  { what: 'one H200 and seven L4', devices: [H200, ...new Array(7).fill(card('NVIDIA L4'))] },
  { what: 'seven H200 and an L4', devices: [...new Array(7).fill(H200), card('NVIDIA L4')] },
])('no time is expected of $what, which was not measured', ({ devices }) => {
  expect(cutByTime(run({ stages: devices.length, devices })).secondsPerItem).toBeNull();
});

test('with guidance in parallel both lines have the cut, and the decoder is spread over both', () => {
  const { balance, slices, decoderParts } = cutByTime(run({ lines: 2 }));
  expect(slices).toHaveLength(4);
  expect(balance.busyShares).toHaveLength(8);
  expect(decoderParts.map(({ stage }) => stage)).toEqual([1, 5, 2, 6, 3, 7]);
  expect(balance.busyShares[0]).toBeCloseTo(balance.busyShares[4]!, 12);
});
