import { expect, test } from 'vitest';
import { LONGEST_TIMER_MILLISECONDS, waitOf } from './waits.ts';

test.each([
  { text: undefined, milliseconds: undefined },
  { text: '', milliseconds: undefined },
  { text: '  ', milliseconds: undefined },
  { text: '600', milliseconds: 600_000 },
  { text: '0.5', milliseconds: 500 },
  { text: '2147483', milliseconds: 2_147_483_000 },
  { text: '2147484', milliseconds: LONGEST_TIMER_MILLISECONDS },
  { text: '1e999', milliseconds: LONGEST_TIMER_MILLISECONDS },
])('$text is a wait of $milliseconds ms, and none is longer than a timer can be', ({ text, milliseconds }) => {
  expect(waitOf(text === undefined ? {} : { SOME_SECONDS: text }, 'SOME_SECONDS')).toBe(milliseconds);
});

test.each(['abc', '0', '-1', '5s', 'NaN'])('%s is no number of seconds above 0, which is said by name', (text) => {
  expect(() => waitOf({ SOME_SECONDS: text }, 'SOME_SECONDS')).toThrow(
    expect.objectContaining({
      ...{ code: 'E_ENVIRONMENT_SECONDS', exit: 'usage' },
      message: `SOME_SECONDS must be a number of seconds above 0, such as 600, found '${text}'`,
    }),
  );
});
