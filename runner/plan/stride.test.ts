import { expect, test } from 'vitest';
import { chooseStride, strideOutlook, strideOutlooks } from './stride.ts';

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
    const { busyShare, firstBlockShare } = strideOutlook({ ...film, stages }, stride);
    expect([busyShare * 100, firstBlockShare * 100]).toEqual([expect.closeTo(busy, 1), expect.closeTo(first, 1)]);
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

test('a very long film is weighed in no time, to the same shares', () => {
  const long = strideOutlooks({ ...film, blocks: 31_250, stages: 8 });
  const short = strideOutlooks({ ...film, blocks: 128, stages: 8 });
  expect(long.map(({ busyShare }) => busyShare)).toEqual(short.map(({ busyShare }) => busyShare));
});
