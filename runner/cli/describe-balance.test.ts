import { expect, test } from 'vitest';
import { A14B, filmPlan, float32Bytes, job, WAN_1_3B } from '../../test/build/film-plan.ts';
import type { ModelConfig } from '../model/config.ts';
import { planRun } from '../plan/plan.ts';
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

/** The line about a film of 480p on so many cards. */
function lineOnCards(config: ModelConfig, gpus: number, parallelism: object = {}): string {
  const cards = Array.from({ length: gpus }, (_, index) => ({ name: `cuda:${index}`, kind: 'cuda' as const }));
  const spec = job({ parallelism: { gpus, blockLatents: 8, contextLatents: 4, ...parallelism } });
  const precision = { sampling: 'bfloat16', decoding: 'float32' } as const;
  const bytes = [config.transformer, config.transformer2].flatMap((one) => (one ? [float32Bytes(config)] : []));
  return describeBalance({ ...planRun(spec, config, bytes, cards, precision), expectedSeconds: null }).join('\n');
}

test.each([
  {
    what: '1.3B on eight cards, the last of which hardly has time for a layer',
    line: () => lineOnCards(WAN_1_3B, 8),
    says: /30 layers on 8 devices, a layer is never cut, and decoding, all of it on the last one, takes \d+\.\d % of its work and leaves it one layer$/,
  },
  {
    what: '14B on sixteen, the last of which decodes beside two layers',
    line: () => lineOnCards(A14B, 16),
    says: /40 layers on 16 devices.* takes \d+\.\d % of its work and leaves it 2 layers$/,
  },
  {
    what: 'two lines of four',
    line: () => lineOnCards(WAN_1_3B, 8, { guidanceParallel: true }),
    says: /30 layers on 4 devices.* leaves it 2 layers$/,
  },
  { what: '1.3B on sixteen', line: () => lineOnCards(WAN_1_3B, 16), says: /: decoding, .* sets the pace/ },
])('on cards the part of decoding is named: $what', ({ line, says }) => expect(line()).toMatch(says));

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
