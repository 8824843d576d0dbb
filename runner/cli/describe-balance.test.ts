import { expect, test } from 'vitest';
import { A14B, filmPlan, float32Bytes, job, WAN_1_3B } from '../../test/build/film-plan.ts';
import type { ModelConfig } from '../model/config.ts';
import { type Plan, planRun } from '../plan/plan.ts';
import { describeBalance, describeBusy } from './describe-balance.ts';

const plan = filmPlan({});

test('layers that do not divide by the devices are what is lost to', () => {
  expect(describeBalance(plan)).toEqual([
    '  once full, the devices are at work 93.7 % of the time: 30 layers on 8 devices, a layer is never cut',
  ]);
});

/** The plan of a film of 480p on so many cards. */
function onCards(config: ModelConfig, gpus: number, parallelism: object = {}): Plan {
  const cards = Array.from({ length: gpus }, (_, index) => ({ name: `cuda:${index}`, kind: 'cuda' as const }));
  const spec = job({ parallelism: { gpus, blockLatents: 8, contextLatents: 4, ...parallelism } });
  const precision = { sampling: 'bfloat16', decoding: 'float32' } as const;
  const bytes = [config.transformer, config.transformer2].flatMap((one) => (one ? [float32Bytes(config)] : []));
  return planRun(spec, config, bytes, cards, precision);
}

test.each([
  {
    what: 'a good cut has no second line',
    of: () => onCards(WAN_1_3B, 4),
    says: [/^ {2}decoding is on all 4 devices, in 4 parts$/],
  },
  {
    what: '1.3B on eight is lost to whole layers and whole units',
    of: () => onCards(WAN_1_3B, 8),
    says: [
      /decoding is on the last 7 devices, in 7 parts/,
      /at work 97\.\d % of the time: 30 layers and 20 units of the decoder on 8 devices, neither a layer nor a unit is cut$/,
    ],
  },
  {
    what: '14B on sixteen is lost to whole layers, beside which one device has time for all decoding',
    of: () => onCards(A14B, 16),
    says: [
      /40 layers on 16 devices, .* all of it on the last one, takes \d+\.\d % of its work and leaves it 2 layers$/,
    ],
  },
  {
    what: 'as many devices as layers are more than are of use',
    of: () => onCards(WAN_1_3B, 30),
    says: [
      /decoding is on the last 10 devices/,
      /one layer and one unit are as slow, more devices would hardly be faster$/,
    ],
  },
  {
    what: 'two lines decode on the last devices of both',
    of: () => onCards(WAN_1_3B, 8, { guidanceParallel: true }),
    says: [
      /decoding is in 6 parts, on stages 1, 5, 2, 6, 3 and 7 in this order$/,
      /30 layers and 20 units of the decoder on 4 devices of each line, neither a layer nor a unit is cut$/,
    ],
  },
])('on cards it is said where decoding is: $what', ({ of, says }) => {
  expect(describeBalance({ ...of(), expectedSeconds: null })).toEqual(says.map((line) => expect.stringMatching(line)));
});

test('where the layers alone would be as slow, they are what is lost to', () => {
  const cards = onCards(WAN_1_3B, 8);
  const balance = { ...cards.balance, pace: 4.01, busyShare: 0.95 };
  expect(describeBalance({ ...cards, balance })).toContain(
    '  once full, the devices are at work 95.0 % of the time: 30 layers on 8 devices, a layer is never cut',
  );
});

test('a device’s part of decoding is said with how busy it is', () => {
  const balance = { ...plan.balance, busyShares: [1, 0.9], decodingShares: [0, 0.25] };
  expect([describeBusy(balance, 0), describeBusy(balance, 1)]).toEqual(['100.0 %', '90.0 % (decoding 25.0 % of it)']);
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
