import { describe, expect, it } from 'vitest';
import { createBackoff, createBucket } from './rate-limit.ts';

describe('the backoff', () => {
  it('doubles for each key alone, up to its longest', () => {
    const backoff = createBackoff({ firstMs: 5, longestMs: 60, perSecond: 1000, burst: 1000 }, () => 0);
    expect([1, 2, 3, 4, 5, 6].map(() => backoff.next('a'))).toEqual([5, 10, 20, 40, 60, 60]);
    expect(backoff.next('b')).toBe(5);
    backoff.forget('a');
    expect(backoff.next('a')).toBe(5);
  });

  it('spreads the failures of many keys', () => {
    const backoff = createBackoff({ firstMs: 5, longestMs: 1000, perSecond: 10, burst: 2 }, () => 0);
    expect(['a', 'b', 'c', 'd'].map((key) => backoff.next(key))).toEqual([5, 5, 100, 200]);
  });
});

describe('a bucket', () => {
  it('fills at its rate and never above its burst', () => {
    let now = 0;
    const bucket = createBucket(2, 3, () => now);
    expect([1, 2, 3, 4].map(() => bucket.take())).toEqual([true, true, true, false]);
    now = 500;
    expect([1, 2].map(() => bucket.take())).toEqual([true, false]);
    now = 60_000;
    expect([1, 2, 3, 4].map(() => bucket.take())).toEqual([true, true, true, false]);
  });

  it('loses nothing where its clock is put back', () => {
    let now = 60_000;
    const bucket = createBucket(2, 3, () => now);
    now = 0;
    expect([1, 2, 3, 4].map(() => bucket.take())).toEqual([true, true, true, false]);
    now = 500;
    expect([1, 2].map(() => bucket.take())).toEqual([true, false]);
  });
});
