import { describe, expect, it } from 'vitest';
import { createLimits, createPlaces } from './limits.ts';

describe('limits', () => {
  it('let each sender take some at once, then so many a second', () => {
    let now = 0;
    const limits = createLimits(2, 3, () => now);
    const take = (sender: string, times: number) => Array.from({ length: times }, () => limits.take(sender));
    expect(take('a', 5)).toEqual([0, 0, 0, 500, 500]);
    expect(take('b', 1)).toEqual([0]);
    now = 499;
    expect(take('a', 1)).toEqual([500]);
    now = 1000;
    expect(take('a', 3)).toEqual([0, 0, 500]);
    now = 3_600_000;
    expect(take('a', 4)).toEqual([0, 0, 0, 500]);
  });

  it('keep who asks again and again, and forget who has not asked for longest', () => {
    const limits = createLimits(1, 1, () => 0);
    limits.take('a');
    limits.take('b');
    for (let i = 0; i < 8191; i += 1) {
      if (i % 1000 === 0) expect(limits.take('a')).toBe(1000);
      limits.take(`x${i}`);
    }
    expect([limits.take('a'), limits.take('b')]).toEqual([1000, 0]);
  });
});

/** Work that ends when it is told to. */
function works() {
  const running = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();
  const work = (name: string) => () =>
    new Promise<string>((resolve, reject) => running.set(name, { resolve: () => resolve(name), reject }));
  const settle = async (name: string, how: 'resolve' | 'reject' = 'resolve') => {
    running.get(name)?.[how](new Error(name));
    running.delete(name);
    await new Promise((resolve) => setImmediate(resolve));
  };
  const started = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return [...running.keys()];
  };
  return { work, settle, started };
}

describe('places', () => {
  it('are taken, then waited for in order, then refused', async () => {
    const { work, settle, started } = works();
    const places = createPlaces(2, 2, 9);
    const runs = ['a', 'b', 'c', 'd', 'e'].map((name) => places.run(name, work(name)));
    expect(runs.map((run) => run !== undefined)).toEqual([true, true, true, true, false]);
    expect(await started()).toEqual(['a', 'b']);
    await settle('b');
    expect(await started()).toEqual(['a', 'c']);
    expect(await Promise.race(runs)).toBe('b');
    await settle('a');
    expect(await started()).toEqual(['c', 'd']);
  });

  it('are shared: no sender has more than its share of places and queue together', async () => {
    const { work, settle, started } = works();
    const places = createPlaces(1, 9, 2);
    const runs = ['a1', 'a2', 'a3'].map((name) => places.run('a', work(name)));
    expect(runs.map((run) => run !== undefined)).toEqual([true, true, false]);
    expect(places.run('b', work('b1'))).toBeDefined();
    await started();
    await settle('a1');
    expect(places.run('a', work('a4'))).toBeDefined();
  });

  it('are free again after work that fails or throws', async () => {
    const { work, settle, started } = works();
    const places = createPlaces(1, 0, 1);
    const failed = places.run('a', work('a'));
    await started();
    await Promise.all([expect(failed).rejects.toThrow('a'), settle('a', 'reject')]);
    const thrown = places.run('a', () => {
      throw new Error('at once');
    });
    await expect(thrown).rejects.toThrow('at once');
    expect(await places.run('a', () => Promise.resolve('fine'))).toBe('fine');
  });

  it('hand over every place however the work ends', async () => {
    const places = createPlaces(3, 1000, 1000);
    let running = 0;
    let most = 0;
    const one = async (i: number) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      if (i % 3 === 0) throw new Error('odd');
    };
    await Promise.allSettled(Array.from({ length: 500 }, (_, i) => places.run(`s${i % 7}`, () => one(i))));
    expect({ running, most }).toEqual({ running: 0, most: 3 });
  });
});
