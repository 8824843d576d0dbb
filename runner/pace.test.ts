import { expect, test } from 'vitest';
import { stopPatience, watchPace } from './pace.ts';

test.each([
  { what: 'nothing is known', iteration: undefined, write: undefined, seconds: 50, patience: 20_000 },
  { what: 'no iteration is over yet', iteration: undefined, write: 50, seconds: 50, patience: 20_000 },
  { what: 'iterations are short', iteration: 10, write: 50, seconds: 50, patience: 5000 },
  { what: 'no write of short iterations was seen', iteration: 10, write: undefined, seconds: 50, patience: 20_020 },
  { what: 'an iteration takes a while', iteration: 9000, write: 1000, seconds: 50, patience: 20_000 },
  { what: 'a write takes a while', iteration: 1000, write: 9000, seconds: 50, patience: 20_000 },
  { what: 'no write of long iterations was seen', iteration: 30_000, write: undefined, seconds: 50, patience: 40_000 },
  {
    what: 'an iteration takes longer than a pod is given',
    iteration: 90_000,
    write: 1000,
    seconds: 50,
    patience: 40_000,
  },
  { what: 'a pod is given more', iteration: 90_000, write: 1000, seconds: 290, patience: 182_000 },
  { what: 'a pod is given less than is usual', iteration: 90_000, write: 1000, seconds: 10, patience: 5000 },
])('where $what, a stop waits $patience ms for the last checkpoint', ({ iteration, write, seconds, patience }) => {
  expect(stopPatience({ iteration, write }, 1000 * seconds)).toBe(patience);
});

test('the pace of iterations is known once one is over since the begin, without any checkpoint', () => {
  const watched = watchPace();
  watched.begin(1000);
  expect(watched.pace()).toEqual({ iteration: undefined, write: undefined });
  watched.iterationOver(31_000);
  expect(watched.pace()).toEqual({ iteration: 30_000, write: undefined });
});

test('it is that of the newest iteration, and of the newest write', () => {
  const watched = watchPace();
  watched.begin(0);
  watched.iterationOver(10);
  watched.written(10, 15);
  watched.iterationOver(30);
  watched.written(30, 37);
  expect(watched.pace()).toEqual({ iteration: 20, write: 7 });
});

test('an iteration whose begin nobody saw says nothing of the pace', () => {
  const watched = watchPace();
  watched.iterationOver(500);
  expect(watched.pace().iteration).toBeUndefined();
  watched.begin(600);
  watched.iterationOver(1500);
  expect(watched.pace().iteration).toBe(1000);
});
