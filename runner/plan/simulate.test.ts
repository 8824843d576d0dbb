import { describe, expect, test } from 'vitest';
import { simulate } from './simulate.ts';

const run = (steps: number, blocks: number, branches: number, contextLatents: number) => ({
  steps,
  blocks,
  branches,
  contextLatents,
  expertOfStep: new Array<number>(steps).fill(0),
});
const equal = (stages: number, time = 1) => ({ stageTimes: new Array<number>(stages).fill(time), ringSlots: 2 });

describe('with equal stage times and more blocks in flight than stages', () => {
  test.each([
    { steps: 50, blocks: 32, stages: 8 },
    { steps: 50, blocks: 10, stages: 8 },
    { steps: 50, blocks: 32, stages: 4 },
    { steps: 10, blocks: 6, stages: 5 },
    { steps: 6, blocks: 40, stages: 3 },
    { steps: 6, blocks: 40, stages: 1 },
  ])('a run of $steps steps and $blocks blocks on $stages stages takes T·B + N² − 1 slots', (given) => {
    const { steps, blocks, stages } = given;
    const { duration, bubbleShare, busyShare } = simulate(run(steps, blocks, 1, 4), equal(stages));
    const slots = steps * blocks + stages ** 2 - 1;
    expect(duration).toBe(slots);
    expect(bubbleShare).toBeCloseTo((stages ** 2 - 1) / slots, 12);
    expect(busyShare).toBeCloseTo((steps * blocks) / slots, 12);
  });
});

test('the bubble of a film of 1025 frames on 8 stages is 3.8 %; guidance as two items makes it less than a third', () => {
  expect(simulate(run(50, 32, 1, 4), equal(8)).bubbleShare).toBeCloseTo(0.038, 3);
  expect(simulate(run(50, 32, 2, 4), equal(8, 0.5)).bubbleShare).toBeLessThan(0.038 / 3);
});

test('two places between stages are enough for equal stages, one makes neighbours take turns', () => {
  const film = run(50, 32, 2, 4);
  const durationWith = (ringSlots: number) => simulate(film, { ...equal(8), ringSlots }).duration;
  expect(durationWith(2)).toBe(durationWith(1000));
  expect(durationWith(1)).toBeGreaterThan(1.9 * durationWith(2));
});

test('the slowest stage sets the pace', () => {
  const { duration, bubbleShare } = simulate(run(50, 32, 2, 4), { stageTimes: [1, 2, 1], ringSlots: 2 });
  expect(duration).toBeGreaterThanOrEqual(50 * 32 * 2 * 2);
  expect(bubbleShare).toBeLessThan(0.01);
});

test('stages that differ by nothing that counts take as long as equal ones', () => {
  const film = run(20, 8, 2, 4);
  const almost = simulate(film, { stageTimes: [1, 1, 1 + 1e-12], ringSlots: 2 });
  expect(almost.duration).toBeCloseTo(simulate(film, equal(3)).duration, 6);
});
