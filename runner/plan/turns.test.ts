import { describe, expect, test } from 'vitest';
import type { Edge } from '../model/graph.ts';
import { createArena } from './arena.ts';
import { shortened, turnInArena } from './turns.ts';

const KIB = 1024;
const edge = (name: string, bytes: number): Edge => ({ name, dtype: 'F32', shape: [bytes / 4] });

/** A graph that copies its input from the host, and has one tensor of its own. */
function graphOf(input: number, own: number) {
  const [x, a, y] = [edge('x', input), edge('a', own), edge('y', input)];
  return {
    inputs: [x],
    outputs: [y],
    operations: [
      { op: 'Conv', inputs: [x], outputs: [a] },
      { op: 'Conv', inputs: [a], outputs: [y] },
    ],
  };
}

describe('graphs that take turns in one arena', () => {
  const loading = { kind: 'cuda', threads: 1, prepack: false, isOnHost: (name: string) => name === 'x' } as const;
  const load = (graph: ReturnType<typeof graphOf>, arena: ReturnType<typeof createArena>) =>
    turnInArena(graph, loading, arena);

  test('have what others have left, where it is large enough', () => {
    const arena = createArena('asRequested');
    load(graphOf(KIB, 64 * KIB), arena).run();
    const before = arena.reserved;
    load(graphOf(KIB, 60 * KIB), arena).run();
    expect(arena.reserved).toBe(before);
  });

  test('bring the next input while the one before is there, and no third', () => {
    const arena = createArena('asRequested');
    const turn = load(graphOf(8 * KIB, KIB), arena);
    turn.run();
    expect(arena.reserved).toBe(9 * KIB);
    for (let runs = 0; runs < 3; runs++) turn.run();
    expect(arena.reserved).toBe(17 * KIB);
  });

  test('give their inputs back to those that come after them', () => {
    const arena = createArena('asRequested');
    const turn = load(graphOf(8 * KIB, KIB), arena);
    turn.run();
    turn.release();
    const before = arena.reserved;
    load(graphOf(8 * KIB, KIB), arena).run();
    expect(arena.reserved).toBe(before);
  });
});

describe('turns one after another', () => {
  test.each([
    { what: 'that alternate', turns: 'ababababab', most: 2, left: 'ababa' },
    { what: 'of one graph alone', turns: 'aaaaaa', most: 2, left: 'aaa' },
    { what: 'each after each other', turns: 'aabba', most: 1, left: 'aabba' },
    { what: 'none', turns: '', most: 2, left: '' },
  ])('$what, are walked so often that each has followed each', ({ turns, most, left }) => {
    expect(shortened([...turns], most).join('')).toBe(left);
  });
});
