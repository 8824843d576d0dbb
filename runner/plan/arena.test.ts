import { describe, expect, test } from 'vitest';
import { type Chunk, createArena } from './arena.ts';

const MIB = 2 ** 20;

describe('an arena that grows by powers of two', () => {
  test.each([
    { what: 'nothing', takes: [], reserved: 0, touched: 0 },
    { what: 'a byte takes 256, and the first region', takes: [1], reserved: MIB, touched: 256 },
    { what: 'a large tensor takes the next power of two', takes: [5 * MIB], reserved: 8 * MIB, touched: 5 * MIB },
    {
      what: 'a region that is full is followed by one of twice its size',
      takes: [MIB, 256],
      reserved: 3 * MIB,
      touched: MIB + 256,
    },
    { what: 'what is left of a region is used', takes: [MIB, MIB / 2, 1.5 * MIB], reserved: 3 * MIB, touched: 3 * MIB },
    {
      what: 'what would be left of a region is not, where it is less than half',
      takes: [5 * MIB, 3 * MIB],
      reserved: 16 * MIB,
      touched: 8 * MIB,
    },
  ])('$what', ({ takes, reserved, touched }) => {
    const arena = createArena('powerOfTwo');
    for (const bytes of takes) arena.take(bytes);
    expect([arena.reserved, arena.touched]).toEqual([reserved, touched]);
  });
});

describe('an arena that grows by what is asked for', () => {
  const after = (act: (arena: ReturnType<typeof createArena>) => void) => {
    const arena = createArena('asRequested');
    act(arena);
    return arena.reserved / MIB;
  };

  test.each([
    { what: 'what is given back is used again', act: 'again', reserved: 4 },
    { what: 'a piece of less than half as much again is not cut', act: 'uncut', reserved: 7 },
    { what: 'a larger piece is', act: 'cut', reserved: 4 },
    { what: 'neighbours that are free are one', act: 'joined', reserved: 4 },
    { what: 'a piece that is in use keeps its neighbours apart', act: 'apart', reserved: 8 },
    { what: 'what this run has used is not joined with what an earlier one has left', act: 'left', reserved: 8 },
    { what: 'after the run it is', act: 'runs', reserved: 4 },
  ] as const)('$what', ({ act, reserved }) => {
    const acts = {
      again: (arena) => {
        arena.give(arena.take(4 * MIB));
        arena.take(4 * MIB);
      },
      uncut: (arena) => {
        arena.give(arena.take(4 * MIB));
        arena.take(3 * MIB);
        arena.take(3 * MIB);
      },
      cut: (arena) => {
        arena.give(arena.take(4 * MIB));
        arena.take(2 * MIB);
        arena.take(2 * MIB);
      },
      joined: (arena) => {
        for (const piece of quarters(arena)) arena.give(piece);
        arena.take(4 * MIB);
      },
      apart: (arena) => {
        for (const piece of quarters(arena).toSpliced(1, 1)) arena.give(piece);
        arena.take(4 * MIB);
      },
      left: (arena) => {
        leaveRegion(arena);
        arena.give(arena.take(MIB));
        arena.take(4 * MIB);
      },
      runs: (arena) => {
        leaveRegion(arena);
        arena.give(arena.take(MIB));
        arena.endRun();
        arena.take(4 * MIB);
      },
    } satisfies Record<string, (arena: ReturnType<typeof createArena>) => void>;
    expect(after(acts[act])).toBe(reserved);
  });

  /** An earlier run leaves a region of 4 MiB. */
  function leaveRegion(arena: ReturnType<typeof createArena>): void {
    arena.give(arena.take(4 * MIB));
    arena.endRun();
  }

  /** A region of 4 MiB in four pieces, all in use. */
  function quarters(arena: ReturnType<typeof createArena>): readonly Chunk[] {
    arena.give(arena.take(4 * MIB));
    return Array.from({ length: 4 }, () => arena.take(MIB));
  }
});

test('of several free pieces the smallest that is large enough is taken', () => {
  const arena = createArena('asRequested');
  const [large, small] = [arena.take(9 * MIB), arena.take(5 * MIB)];
  arena.give(large);
  arena.give(small);
  arena.take(4 * MIB);
  arena.take(9 * MIB);
  expect(arena.reserved).toBe(14 * MIB);
});
