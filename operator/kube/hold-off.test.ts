import { expect, it } from 'vitest';
import { createHoldOff } from './hold-off.ts';

const asking = (retryAfterMs?: number) => ({
  kind: 'retry' as const,
  status: 429,
  message: 'not now',
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});

/** What is left to wait for `GET /a` at a time, after notes of (time, request, milliseconds asked for). */
function left(notes: readonly (readonly [at: number, request: string, asked?: number])[], at: number): number {
  let now = 0;
  const holdOff = createHoldOff(() => now);
  for (const [time, request, asked] of notes) {
    now = time;
    holdOff.note(request, asking(asked));
  }
  now = at;
  return holdOff.leftMs('GET /a');
}

it.each<[string, Parameters<typeof left>[0], number, number]>([
  ['that nobody has refused may be sent', [], 5, 0],
  ['waits as long as it was asked to', [[0, 'GET /a', 30_000]], 0, 30_000],
  ['waits for the rest only', [[0, 'GET /a', 30_000]], 20_000, 10_000],
  ['may be sent when the time is over', [[0, 'GET /a', 30_000]], 30_000, 0],
  [
    'goes by the last answer, which may ask for less',
    [
      [0, 'GET /a', 30_000],
      [1000, 'GET /a', 2000],
    ],
    1000,
    2000,
  ],
  [
    'that was refused without a time keeps what was asked before',
    [
      [0, 'GET /a', 30_000],
      [1000, 'GET /a'],
    ],
    1000,
    29_000,
  ],
  ['does not wait for another path', [[0, 'GET /b', 30_000]], 0, 0],
  ['does not wait for another verb of its path', [[0, 'POST /a', 30_000]], 0, 0],
])('a request %s', (_what, notes, at, expected) => {
  expect(left(notes, at)).toBe(expected);
});

it('forgets the oldest of very many requests, so that what it holds is bounded', () => {
  const many = Array.from({ length: 2000 }, (_, i) => [1, `GET /x${i}`, 30_000] as const);
  expect(left([[0, 'GET /a', 30_000], ...many], 1)).toBe(0);
  expect(left([...many, [1, 'GET /a', 30_000]], 1)).toBe(30_000);
});
