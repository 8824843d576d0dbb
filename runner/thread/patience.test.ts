import { expect, test } from 'vitest';
import { createPatience, LOOK_EVERY_MILLISECONDS, loadingPatience, PATIENCE, patienceOf } from './patience.ts';

const SETTINGS = {
  lookMilliseconds: 60_000,
  loadMilliseconds: 90_000,
  firstMilliseconds: 60_000,
  leastMilliseconds: 10_000,
  factor: 3,
};

/** Looks once a second: what was found at the end, and the second at which it was first found stuck. */
function watch(doneAt: (second: number) => number, seconds: number, isBusy: (second: number) => boolean = () => true) {
  const patience = createPatience(SETTINGS);
  for (let second = 0; second <= seconds; second++) {
    const stuck = patience.look(doneAt(second), isBusy(second), second * LOOK_EVERY_MILLISECONDS);
    if (stuck !== undefined) return second;
  }
  return undefined;
}

test.each([
  { what: 'a first piece that never ends', done: () => 0, seconds: 100, stuckAt: 61 },
  { what: 'steady work', done: (s: number) => s, seconds: 1000, stuckAt: undefined },
  {
    what: 'quick pieces, then none for longer than the least time',
    done: (s: number) => Math.min(s, 50),
    seconds: 100,
    stuckAt: 61,
  },
  {
    what: 'slow pieces, then none for three times as long',
    done: (s: number) => Math.min(Math.floor(s / 8), 5),
    seconds: 100,
    stuckAt: 65,
  },
  {
    what: 'pieces that get slower by less than the factor',
    done: (s: number) => Math.floor(Math.log2(1 + s / 4)),
    seconds: 2000,
    stuckAt: undefined,
  },
])('$what', ({ done, seconds, stuckAt }) => expect(watch(done, seconds)).toBe(stuckAt));

test('a thread with nothing to do is never stuck', () =>
  expect(
    watch(
      () => 3,
      10_000,
      () => false,
    ),
  ).toBeUndefined());

test('a thread that loads has a time of its own for it', () => {
  const patience = loadingPatience(SETTINGS);
  const stuck = Array.from({ length: 100 }, (_, second) => patience.look(0, true, second * 1000));
  expect(stuck.findIndex((spent) => spent !== undefined)).toBe(91);
});

test('time in which nobody looked does not count as time at work', () => {
  const patience = createPatience(SETTINGS);
  patience.look(0, true, 0);
  expect(patience.look(0, true, 3_600_000)).toBeUndefined();
});

test.each([
  [{}, PATIENCE],
  [
    { DUALPARAL_PATIENCE_SECONDS: '5' },
    { ...PATIENCE, lookMilliseconds: 5000, loadMilliseconds: 5000, firstMilliseconds: 5000, leastMilliseconds: 5000 },
  ],
])('%j gives %j', (environment, settings) => expect(patienceOf(environment)).toEqual(settings));
