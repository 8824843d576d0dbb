import { expect, test } from 'vitest';
import { busyStages } from './stuck.ts';

const run = { itemsTotal: 100, finishedBlocks: 0, takenBlocks: 0 };

test.each([
  { what: 'all at the start: the first', counts: { ...run, done: [0, 0, 0] }, busy: [true, false, false] },
  { what: 'one in the middle holds its full ring', counts: { ...run, done: [12, 10, 10] }, busy: [false, true, false] },
  { what: 'the last holds everybody', counts: { ...run, done: [14, 12, 10] }, busy: [false, false, true] },
  { what: 'two at work', counts: { ...run, done: [12, 11, 10] }, busy: [false, true, true] },
  {
    what: 'the first, once all others are through',
    counts: { ...run, done: [10, 10, 10] },
    busy: [true, false, false],
  },
  {
    what: 'nobody, while a finished block waits to be taken',
    counts: { ...run, done: [10, 10, 10], finishedBlocks: 4, takenBlocks: 3 },
    busy: [false, false, false],
  },
  { what: 'nobody at the end', counts: { ...run, done: [100, 100, 100] }, busy: [false, false, false] },
  { what: 'a single stage', counts: { ...run, done: [7] }, busy: [true] },
])('$what', ({ counts, busy }) => expect(busyStages(counts, 2)).toEqual(busy));
