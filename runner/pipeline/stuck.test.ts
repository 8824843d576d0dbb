import { expect, test } from 'vitest';
import { wholeLine } from './line.ts';
import { busyStages, type LineCounts, type RunCounts } from './stuck.ts';

const ready = { block: 3, step: 2, branch: 0, needs: 8 };
const leaving = { branches: 2 };

function whole(stages: number, changes: Partial<LineCounts> = {}): readonly LineCounts[] {
  return [{ ...wholeLine(stages), items: 100, entering: ready, leaving, ...changes }];
}

/** Two lines of as many stages each; what enters the first and the second. */
function halves(stages: number, [first, second]: readonly [Partial<LineCounts>, Partial<LineCounts>] = [{}, {}]) {
  const updater = stages - 1;
  return [
    { first: 0, last: updater, updater, branch: 0, items: 100, entering: ready, leaving, ...first },
    { first: stages, last: 2 * stages - 1, updater, branch: 1, items: 60, entering: ready, leaving, ...second },
  ];
}

const run = { velocitiesUsed: 0, places: 6, startedBlocks: 4, takenBlocks: 0 };
const late = { entering: { ...ready, needs: 11 } };

test.each<{ what: string; counts: RunCounts; busy: readonly boolean[] }>([
  {
    what: 'all at the start: the first',
    counts: { ...run, lines: whole(3, { entering: { ...ready, needs: 0 } }), done: [0, 0, 0] },
    busy: [true, false, false],
  },
  {
    what: 'one in the middle holds its full ring',
    counts: { ...run, lines: whole(3), done: [12, 10, 10] },
    busy: [false, true, false],
  },
  {
    what: 'the last holds everybody',
    counts: { ...run, lines: whole(3), done: [14, 12, 10] },
    busy: [false, false, true],
  },
  { what: 'all at work', counts: { ...run, lines: whole(3), done: [12, 11, 10] }, busy: [true, true, true] },
  {
    what: 'not the first while its block has not come round',
    counts: { ...run, lines: whole(3, late), done: [11, 11, 10] },
    busy: [false, false, true],
  },
  {
    what: 'the first with the second branch of a block-step that has entered',
    counts: { ...run, lines: whole(3, { entering: { ...late.entering, branch: 1 } }), done: [11, 11, 10] },
    busy: [true, false, true],
  },
  {
    what: 'the first with a new block that has a place',
    counts: {
      ...run,
      lines: whole(3, { entering: { ...ready, block: 6, step: 0 } }),
      done: [10, 10, 10],
      takenBlocks: 1,
    },
    busy: [true, false, false],
  },
  {
    what: 'nobody, while a new block waits for a place',
    counts: { ...run, lines: whole(3, { entering: { ...ready, block: 6, step: 0 } }), done: [10, 10, 10] },
    busy: [false, false, false],
  },
  {
    what: 'nobody at the end',
    counts: { ...run, lines: whole(3, { entering: null, leaving: null }), done: [100, 100, 100] },
    busy: [false, false, false],
  },
  { what: 'a single stage', counts: { ...run, lines: whole(1), done: [8] }, busy: [true] },
  {
    what: 'two lines: not the updating stage while the other line is late',
    counts: { ...run, lines: halves(2), done: [12, 10, 11, 9], velocitiesUsed: 9 },
    busy: [false, false, false, true],
  },
  {
    what: 'two lines: the updating stage when the other line has filled its slots',
    counts: { ...run, lines: halves(2), done: [12, 10, 12, 12], velocitiesUsed: 10 },
    busy: [false, true, true, false],
  },
  {
    what: 'two lines: the updating stage with an item that has one branch, however late the other line is',
    counts: { ...run, lines: halves(2, [{ leaving: { branches: 1 } }, late]), done: [12, 10, 9, 9], velocitiesUsed: 9 },
    busy: [false, true, false, false],
  },
  {
    what: 'two lines: both first stages when nothing is under way',
    counts: { ...run, lines: halves(2), done: [10, 10, 8, 8], velocitiesUsed: 8 },
    busy: [true, false, true, false],
  },
  {
    what: 'two lines: the second first stage alone, which everybody waits for',
    counts: { ...run, lines: halves(2, [late, {}]), done: [11, 10, 8, 8], velocitiesUsed: 8 },
    busy: [false, false, true, false],
  },
  {
    what: 'two lines: not the second first stage while its new block has no noise',
    counts: {
      ...run,
      lines: halves(2, [{}, { entering: { ...ready, block: 4, step: 0 } }]),
      done: [10, 10, 8, 8],
      velocitiesUsed: 8,
    },
    busy: [true, false, false, false],
  },
  {
    what: 'two lines of a stage each: not the second, which rests while no step is guided',
    counts: { ...run, lines: halves(1, [{ leaving: { branches: 1 } }, late]), done: [8, 0] },
    busy: [true, false],
  },
  {
    what: 'two lines of a stage each: the second, which the first waits for',
    counts: { ...run, lines: halves(1), done: [8, 3], velocitiesUsed: 3 },
    busy: [false, true],
  },
])('$what', ({ counts, busy }) => expect(busyStages(counts, 2)).toEqual(busy));
