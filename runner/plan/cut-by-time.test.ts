import { expect, test } from 'vitest';
import { A14B, job, WAN_1_3B } from '../../test/build/film-plan.ts';
import { cutIntoBlocks, latentsOfFrames } from './blocks.ts';
import { cutByTime, type UncutRun } from './cut-by-time.ts';
import { FLOAT32 } from './precision.ts';
import { decoderWork } from './work.ts';

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
    ...changes,
  };
}

const sizesOf = ({ slices }: ReturnType<typeof cutByTime>) =>
  slices.map(({ firstLayer, endLayer }) => endLayer - firstLayer);

test('a latent of 480p costs Wan’s decoder 13.55 · 10¹² operations', () => {
  expect(decoderWork(WAN_1_3B.vae, 60, 104) / 1e12).toBeCloseTo(13.55, 2);
});

test('at 1.3B in bfloat16 the decoder leaves the last of eight cards one layer, which together take as long as five', () => {
  const cut = cutByTime(run());
  expect(sizesOf(cut)).toEqual([4, 5, 4, 4, 4, 4, 4, 1]);
  expect(cut.balance.pace).toBeCloseTo(5, 1);
  expect(cut.balance.busyShares.at(-1)).toBeGreaterThan(0.95);
  expect(cut.balance.decodingShare).toBeGreaterThan(0.7);
});

test('at 14B it takes the last card less time than a layer, so that the even cut of forty has the fastest slowest stage', () => {
  const cut = cutByTime(run({ config: A14B }));
  expect(sizesOf(cut)).toEqual([5, 5, 5, 5, 5, 5, 5, 5]);
  expect(cut.balance.decodingShare).toBeLessThan(0.2);
});

test('a decoder in float16, which cards are slower at, sets a slower pace', () => {
  const cut = cutByTime(run({ precision: { sampling: 'bfloat16', decoding: 'float16' } }));
  expect(sizesOf(cut).at(-1)).toBe(1);
  expect(cut.balance.pace).toBeCloseTo(7.5, 0);
});

test('on a processor that all stages share the layers alone are cut', () => {
  const cut = cutByTime(run({ devices: new Array(8).fill({ name: 'cpu:0' }) }));
  expect(sizesOf(cut)).toEqual([4, 4, 4, 4, 4, 4, 3, 3]);
  expect(cut.balance.busyShares[7]).toBeCloseTo(0.75, 2);
  expect(cut.balance.decodingShare).toBe(0);
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

test('with guidance in parallel both lines have the cut, and one of them the decoder', () => {
  const { balance } = cutByTime(run({ lines: 2 }));
  expect(balance.busyShares).toHaveLength(8);
  expect(balance.busyShares[3]).toBeLessThan(balance.busyShares[7]!);
  expect(balance.busyShares.slice(0, 3)).toEqual(balance.busyShares.slice(4, 7));
});
