import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createQueue, type WorkQueue } from './queue.ts';

/** Failures wait 10 ms, 20 ms, … */
function testBackoff() {
  const counts = new Map<string, number>();
  return {
    next(key: string) {
      counts.set(key, (counts.get(key) ?? 0) + 1);
      return (counts.get(key) ?? 0) * 10;
    },
    forget: (key: string) => void counts.delete(key),
  };
}

let queue: WorkQueue;
let handed: string[];

/** Takes keys as they come, without ever finishing one. */
function take(times: number): void {
  for (let i = 0; i < times; i += 1) void queue.get().then((key) => handed.push(key ?? 'end'));
}
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  queue = createQueue(testBackoff());
  handed = [];
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a work queue', () => {
  it('hands out a key once, however often it was added', async () => {
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
    take(3);
    await settle();
    expect(handed).toEqual(['a', 'b']);
  });

  it('gives a key to a worker that waits already', async () => {
    take(2);
    queue.add('a');
    await settle();
    expect(handed).toEqual(['a']);
    expect(queue.depth).toBe(0);
  });

  it('never hands out a key twice at the same time; added meanwhile it comes once more afterwards', async () => {
    queue.add('a');
    take(3);
    await settle();
    queue.add('a');
    queue.add('a');
    await settle();
    expect(handed).toEqual(['a']);
    queue.done('a');
    await settle();
    expect(handed).toEqual(['a', 'a']);
    queue.done('a');
    await settle();
    expect(handed).toEqual(['a', 'a']);
  });

  it('adds later what shall come later, and the earliest time counts', async () => {
    take(2);
    queue.addAfter('a', 500);
    queue.addAfter('a', 100);
    queue.addAfter('a', 900);
    await vi.advanceTimersByTimeAsync(99);
    expect(handed).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(handed).toEqual(['a']);
    queue.done('a');
    await vi.advanceTimersByTimeAsync(2000);
    expect(handed).toEqual(['a']);
  });

  it('lets failures wait longer each time until the key is forgotten', async () => {
    const waits: number[] = [];
    for (const forget of [false, false, true, false]) {
      if (forget) queue.forget('a');
      queue.addRateLimited('a');
      const start = performance.now();
      const got = queue.get();
      await vi.advanceTimersToNextTimerAsync();
      await got;
      waits.push(performance.now() - start);
      queue.done('a');
    }
    expect(waits).toEqual([10, 20, 10, 20]);
  });

  it('sends everybody home when it is shut down, and takes nothing any more', async () => {
    take(2);
    queue.addAfter('a', 10);
    queue.shutDown();
    queue.add('b');
    await vi.advanceTimersByTimeAsync(100);
    expect(handed).toEqual(['end', 'end']);
    expect(await queue.get()).toBeUndefined();
  });

  it('drops a key that became dirty while it was shut down', async () => {
    queue.add('a');
    take(1);
    await settle();
    queue.add('a');
    queue.shutDown();
    queue.done('a');
    expect(queue.depth).toBe(0);
  });

  it('waits also for longer than a timer can', async () => {
    take(1);
    const days = 30 * 86_400_000;
    queue.addAfter('a', days);
    await vi.advanceTimersByTimeAsync(days - 1000);
    expect(handed).toEqual([]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(handed).toEqual(['a']);
  });
});
