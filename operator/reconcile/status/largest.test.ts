import { describe, expect, it } from 'vitest';
import { worstFilm } from '../../../test/build/worst-film.ts';
import type { Attempt } from '../../api/status.ts';
import { boundedText, jsonBytes } from './bounds.ts';
import { isCounted, keptAttempts } from './kept-attempts.ts';

describe('the status of a film that meets everything that makes one long', () => {
  const statuses = [...worstFilm()];

  it('never has more than 32 KB', () => {
    expect(Math.max(...statuses.map(jsonBytes))).toBeLessThanOrEqual(32 * 1024);
  });

  it('counts every attempt, lists the newest whole, and only counts the others', () => {
    const last = statuses.at(-1);
    expect([last?.failures, last?.disruptions]).toEqual([21, 100]);
    const { attempts = [], earlierAttempts } = last ?? {};
    expect(attempts.length + (earlierAttempts?.count ?? 0)).toBe(121);
    expect(attempts.length).toBeGreaterThanOrEqual(3);
    expect(attempts.map(({ number }) => number)).toEqual(attempts.map((_, i) => 122 - attempts.length + i));
  });

  it('says in the end what the last attempt died of', () => {
    expect(statuses.at(-1)?.phase).toBe('Failed');
    expect(statuses.at(-1)?.attempts?.at(-1)?.message?.slice(0, 30)).toBe(statuses.at(-1)?.message?.slice(0, 30));
  });
});

describe('the list of attempts', () => {
  const attempt = (number: number, outcome: Attempt['outcome'], more: Partial<Attempt> = {}): Attempt => ({
    ...{ number, job: `film-${number}`, generation: 1, pod: `pod-${number}`, podUid: `uid-of-pod-${number + 1000}` },
    ...{ outcome, message: 'x'.repeat(900), ...more },
  });
  const long = { gpusReason: 'x'.repeat(900), unhealthyDevices: Array.from({ length: 8 }, () => 'x'.repeat(200)) };
  const disrupted = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => attempt(from + i, 'Disrupted'));
  const numbersOf = (attempts: readonly Attempt[], before?: Parameters<typeof keptAttempts>[1]) =>
    keptAttempts(attempts, before).attempts?.map(({ number }) => number);

  it.each<[string, readonly Attempt[], readonly number[]]>([
    ['is whole while there is room', disrupted(1, 3), [1, 2, 3]],
    ['loses the oldest first', disrupted(1, 12), [6, 7, 8, 9, 10, 11, 12]],
    ['keeps what has not ended', [attempt(1, 'Running'), ...disrupted(2, 12)], [1, 8, 9, 10, 11, 12, 13]],
    [
      'keeps the newest of each outcome',
      [attempt(1, 'Failed'), attempt(2, 'Succeeded'), attempt(3, 'Failed'), ...disrupted(4, 12)],
      [2, 3, 11, 12, 13, 14, 15],
    ],
    [
      'keeps the newest end that no other try mends',
      [attempt(1, 'Failed', { exitCode: 20 }), attempt(2, 'Failed', { exitCode: 1 }), ...disrupted(3, 12)],
      [1, 2, 10, 11, 12, 13, 14],
    ],
    ...['StartDeadlineExceeded', 'ActiveDeadlineExceeded', 'FailuresExhausted', 'FailsAtSameIteration'].map(
      (reason): [string, readonly Attempt[], readonly number[]] => [
        `keeps what the film is given up for: ${reason}`,
        [attempt(1, 'Failed', { reason }), attempt(2, 'Failed', { reason: 'GivenUp' }), ...disrupted(3, 12)],
        [1, 2, 10, 11, 12, 13, 14],
      ],
    ),
    [
      'keeps the last one, however long the others are that a decision depends on',
      [
        ...[attempt(1, 'Failed', { ...long, reason: 'StartDeadlineExceeded' }), attempt(2, 'Failed', long)],
        ...[attempt(3, 'Succeeded', long), attempt(4, 'Disrupted', long), attempt(5, 'Resized'), attempt(6, 'Resized')],
      ],
      [1, 2, 3, 4, 6],
    ],
  ])('%s', (_what, attempts, expected) => {
    expect(numbersOf(attempts)).toEqual(expected);
  });

  it('knows the pods of those that it has lost, and adds to their number', () => {
    const first = keptAttempts(disrupted(1, 12), undefined);
    expect(first.earlierAttempts).toMatchObject({ count: 5, number: 5 });
    const second = keptAttempts([...(first.attempts ?? []), ...disrupted(13, 2)], first.earlierAttempts);
    expect(second.earlierAttempts).toMatchObject({ count: 7, number: 7 });
    const counted = disrupted(1, 14).map(({ podUid }) => isCounted(podUid, second.earlierAttempts));
    expect(counted).toEqual([...Array(7).fill(true), ...Array(7).fill(false)]);
  });
});

describe('a bounded text', () => {
  it.each<[string, string, number, string]>([
    ['stays where it fits', 'abc', 3, 'abc'],
    ['ends with dots', 'abcdefgh', 6, 'abc…'],
    ['is measured as JSON', '\u0001\u0001\u0001', 12, '\u0001…'],
    ['keeps characters whole', '🎬🎬🎬', 11, '🎬🎬…'],
    ['is not cut again', 'abc…', 6, 'abc…'],
  ])('%s', (_what, text, bytes, expected) => {
    expect(boundedText(text, bytes)).toBe(expected);
  });
});
