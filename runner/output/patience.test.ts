import { expect, test } from 'vitest';
import { createPatience, LATE, patienceOf, within } from './patience.ts';

const MEGABYTE = 1_000_000;

test.each([
  { what: 'a little is waited for a minute', measured: [], bytes: 10, seconds: 60 },
  {
    what: 'much is waited for a second a megabyte while nothing is measured',
    measured: [],
    bytes: 100 * MEGABYTE,
    seconds: 100,
  },
  { what: 'a fast program changes nothing', measured: [[MEGABYTE, 1]], bytes: 100 * MEGABYTE, seconds: 100 },
  {
    what: 'a slow program may take twenty times as long',
    measured: [[MEGABYTE, 500]],
    bytes: 10 * MEGABYTE,
    seconds: 100,
  },
  {
    what: 'the slowest block counts',
    measured: [
      [MEGABYTE, 500],
      [MEGABYTE, 5],
    ],
    bytes: 10 * MEGABYTE,
    seconds: 100,
  },
  { what: 'a block without a picture counts for nothing', measured: [[0, 500]], bytes: 10, seconds: 60 },
])('$what', ({ measured, bytes, seconds }) => {
  const patience = createPatience(undefined);
  for (const [size, milliseconds] of measured) patience.note(size ?? 0, milliseconds ?? 0);
  expect(patience.limit(bytes)).toBeCloseTo(seconds * 1000);
});

test.each([
  [undefined, undefined],
  ['', undefined],
  ['0.5', 500],
  ['90', 90_000],
])('the environment may say %j seconds', (text, milliseconds) => {
  expect(patienceOf(text === undefined ? {} : { DUALPARAL_FFMPEG_PATIENCE_SECONDS: text })).toBe(milliseconds);
});

test('work is waited for, and what takes too long is late', async () => {
  expect(await within(Promise.resolve(7), 1000)).toBe(7);
  await expect(within(Promise.reject(new Error('broken')), 1000)).rejects.toThrow('broken');
  expect(await within(new Promise(() => undefined), 20)).toBe(LATE);
});
