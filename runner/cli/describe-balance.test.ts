import { expect, test } from 'vitest';
import { filmPlan } from '../../test/build/film-plan.ts';
import { describeBalance } from './describe-balance.ts';

const plan = filmPlan({});

test('layers that do not divide by the devices are what is lost to', () => {
  expect(describeBalance(plan)).toEqual([
    '  once full, the devices are at work 93.7 % of the time: 30 layers on 8 devices, a layer is never cut',
  ]);
});

test('where the last device decodes and sets the pace, decoding is', () => {
  const busyShares = [0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 1];
  const balance = { ...plan.balance, busyShares, busyShare: 0.91, decodingShare: 0.7 };
  expect(describeBalance({ ...plan, balance })).toEqual([
    expect.stringMatching(/91\.0 % of the time: decoding, 70\.0 % of the last one’s work, sets the pace/),
  ]);
});

test('nothing is said of a good cut, and the time where it is known', () => {
  const balance = { ...plan.balance, busyShare: 0.99 };
  expect(describeBalance({ ...plan, balance })).toEqual([]);
  expect(describeBalance({ ...plan, balance, expectedSeconds: 600 })).toEqual([
    '  about 10.0 min from the first item to the last, by speeds measured on one such card (docs/gpu.md)',
  ]);
});

test('one device has nothing to be balanced with', () => {
  expect(describeBalance(filmPlan({ parallelism: { gpus: 1 } }))).toEqual([]);
});
