import { expect, test } from 'vitest';
import { isTaking, mayAsk, type PartProgress } from './hand-on.ts';

const idle = (items: number, taken = items): PartProgress => ({ asked: items, taken, made: items });
const busy = (items: number, hasTaken = true): PartProgress => ({
  asked: items + 1,
  taken: hasTaken ? items + 1 : items,
  made: items,
});

test.each([
  { what: 'the first part takes what there is', parts: [idle(0), idle(0)], items: 1, may: [true, false] },
  { what: 'nothing is there', parts: [idle(2), idle(2)], items: 2, may: [false, false] },
  { what: 'what was made goes to the next part', parts: [idle(1), idle(0)], items: 1, may: [false, true] },
  { what: 'its place is not free yet', parts: [idle(1), idle(0)], items: 5, may: [false, true] },
  { what: 'it is being copied', parts: [idle(1), busy(0, false)], items: 5, may: [false, false] },
  { what: 'it was copied, so both work', parts: [idle(1), busy(0)], items: 5, may: [true, false] },
  { what: 'a part that works is asked for nothing', parts: [busy(1), busy(0)], items: 5, may: [false, false] },
  {
    what: 'three parts, the middle one behind',
    parts: [idle(3), idle(2), idle(2)],
    items: 9,
    may: [false, true, false],
  },
  { what: 'the last one has no place to wait for', parts: [busy(3), idle(3)], items: 9, may: [false, false] },
])('who may go on: $what', ({ parts, items, may }) => {
  expect(parts.map((_, part) => mayAsk(parts, part, items))).toEqual(may);
});

/** Whole numbers below `sides`, the same every time. */
function diceFrom(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % sides;
  };
}

/** Parts that take turns as the dice have it, until all items are through or far too many turns are over. */
function play(count: number, items: number, dice: (sides: number) => number, look: (parts: PartProgress[]) => void) {
  const parts = Array.from({ length: count }, () => ({ asked: 0, taken: 0, made: 0 }));
  for (let turn = 0; turn < 5000 && parts.at(-1)!.made < items; turn++) {
    const part = dice(count);
    const link = parts[part]!;
    if (mayAsk(parts, part, items)) link.asked += 1;
    else if (link.taken < link.asked) link.taken += 1;
    else if (link.made < link.asked) link.made += 1;
    look(parts);
  }
  return parts;
}

test('whatever the order in which parts work, one place is enough between two of them, and all items arrive', () => {
  const dice = diceFrom(7);
  for (let round = 0; round < 200; round++) {
    const count = 1 + dice(6);
    const items = dice(12);
    const parts = play(count, items, dice, (now) => {
      for (let part = 1; part < count; part++) {
        const [before, link] = [now[part - 1]!, now[part]!];
        // What the part before has made is copied before it makes another.
        expect(before.made - link.taken).toBeLessThanOrEqual(1);
        if (isTaking(now, part)) expect(before.asked).toBe(before.made);
      }
    });
    expect(parts.map(({ made }) => made)).toEqual(new Array(count).fill(items));
  }
});
