import { expect, test } from 'vitest';
import { createDice } from '../../test/faults/dice.ts';
import { simulate } from './simulate.ts';
import { chooseStride, strideOutlook } from './stride.ts';

const film = { blocks: 32, steps: 50, branches: 2, contextLatents: 4, ringSlots: 2 };

test.each([
  [8, 1, 98.8, 68.9],
  [8, 2, 97.4, 41.0],
  [8, 4, 94.8, 22.7],
  [8, 6, 92.2, 17.5],
  [8, 10, 82.3, 13.6],
  [4, 1, 99.7, 69.0],
  [4, 6, 97.5, 15.5],
  [4, 10, 95.9, 11.1],
])(
  '%s stages at stride %s are busy %s %% of the time and have the first block after %s %%',
  (stages, stride, busy, first) => {
    const { busyShare, firstBlock, duration } = strideOutlook({ ...film, stages }, stride);
    expect([busyShare * 100, (firstBlock / duration) * 100]).toEqual([
      expect.closeTo(busy, 1),
      expect.closeTo(first, 1),
    ]);
  },
);

test.each([
  { what: 'many blocks on few stages: as much as the joins need', run: { ...film, stages: 4 }, stride: 9 },
  { what: 'eight stages: what keeps them busy', run: { ...film, stages: 8 }, stride: 4 },
  { what: 'one stage', run: { ...film, stages: 1 }, stride: 9 },
  { what: 'one block', run: { ...film, blocks: 1, stages: 4 }, stride: 1 },
  { what: 'few steps', run: { ...film, steps: 12, stages: 2 }, stride: 2 },
  { what: 'fewer steps than stages', run: { ...film, steps: 6, stages: 8 }, stride: 1 },
])('auto: $what', ({ run, stride }) => expect(chooseStride(run, 'auto')).toBe(stride));

test('a stride that was asked for is taken, whatever it costs', () =>
  expect(chooseStride({ ...film, stages: 8 }, 40)).toBe(40));

test.each([160, 200, 300, 600])('auto takes what the whole film allows, not its first blocks: %s blocks', (blocks) =>
  expect(chooseStride({ ...film, blocks, stages: 8 }, 'auto')).toBe(9),
);

const RUNS = 200;
const roll = createDice(1);
const between = (least: number, most: number) => least + Math.floor(roll.share() * (most - least + 1));

test.each([
  { what: 'with context: exactly', contextLatents: 4, within: 0 },
  { what: 'without: nearly', contextLatents: 0, within: 0.005 },
])('the times of films of any length are those of the whole schedule; $what', ({ contextLatents, within }) => {
  for (let index = 0; index < RUNS; index++) {
    const [steps, stages, stride, blocks] = [between(1, 40), between(1, 12), between(1, 8), between(1, 400)];
    const branchesOfStep = Array.from({ length: steps }, () => between(1, 2));
    const run = { blocks, steps, branches: 2, branchesOfStep, contextLatents, stages, ringSlots: 2 };
    const { busyShare, firstBlock, duration } = strideOutlook(run, stride);
    const schedule = { ...run, stride, expertOfStep: new Array<number>(steps).fill(0) };
    const whole = simulate(schedule, { stageTimes: new Array<number>(stages).fill(1), ringSlots: 2 });
    const found = { run, stride, firstBlock, isNear: Math.abs(duration / whole.duration - 1) <= within };
    expect(found).toEqual({ run, stride, firstBlock: whole.firstBlock, isNear: true });
    expect(busyShare * duration).toBeCloseTo(whole.busyShare * whole.duration, 6);
  }
});

test('guidance in parallel: half as many stages that take twice as long, and all rest where a step has one branch', () => {
  const run = { ...film, blocks: 8, steps: 12, stages: 4, guidanceParallel: true };
  const halves = { ...film, blocks: 8, steps: 12, branches: 1, expertOfStep: new Array<number>(12).fill(0) };
  const whole = simulate(halves, { stageTimes: [2, 2], ringSlots: 2 });
  const outlook = strideOutlook(run, 1);
  expect(outlook).toMatchObject({ firstBlock: whole.firstBlock, duration: whole.duration, busyShare: whole.busyShare });
  const half = strideOutlook({ ...run, branchesOfStep: [...new Array(6).fill(1), ...new Array(6).fill(2)] }, 1);
  expect(half).toMatchObject({ duration: whole.duration, busyShare: expect.closeTo(0.75 * whole.busyShare, 12) });
});
