import { expect, test } from 'vitest';
import { durationField, positiveDurationField, secondsOf } from './duration.ts';

test.each([
  ['90s', 90],
  ['10m', 600],
  ['1h30m', 5400],
  ['7d', 604_800],
  ['168h', 604_800],
  ['1h0m0s', 3600],
  ['0s', 0],
])('%s is %i seconds', (text, seconds) => {
  expect(secondsOf(durationField.parse(text))).toBe(seconds);
});

test.each(['', '5', 's', '1m1h', '-5s', '1.5h', '10 m', '1w', '5S', '1234567s'])(
  '"%s" is no stretch of time',
  (text) => {
    expect(durationField.safeParse(text).success).toBe(false);
  },
);

test('where nothing could be done in no time, zero is refused', () => {
  expect(positiveDurationField.safeParse('0h0s').success).toBe(false);
  expect(positiveDurationField.parse('0h10s')).toBe('0h10s');
});
