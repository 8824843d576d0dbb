import { describe, expect, test } from 'vitest';
import { memoryError, shortage, triedAllTheSame, withWayRound } from './verdict.ts';

const GIB = 2 ** 30;
const need = (what: string, gib: number, have: number) => ({ what, place: 'gpu', need: gib * GIB, have: have * GIB });

test.each([
  { what: 'nothing is needed', needs: [], missing: undefined },
  { what: 'all fits, to the last byte', needs: [need('a', 2, 2), need('b', 1, 2)], missing: undefined },
  { what: 'one does not fit', needs: [need('a', 1, 2), need('b', 3, 2)], missing: 'b' },
  {
    what: 'several do not fit: the one where most is missing',
    needs: [need('a', 3, 2), need('b', 9, 2)],
    missing: 'b',
  },
])('$what', ({ needs, missing }) => expect(shortage(needs)?.what).toBe(missing));

test('the error says what is needed, what there is, what is missing and what would fit', () => {
  const missing = { ...need('this film', 36, 21.5), place: 'this machine', of: ' free of 23.54 GiB' };
  const error = memoryError(missing, { remedies: ['decoding.tiling: true', 'a size of 512×512'], isHeld: false });
  expect(error.message).toBe(
    'this film needs 36.00 GiB of memory on this machine, which has 21.50 GiB free of 23.54 GiB: 14.50 GiB too little; ' +
      'it would fit with decoding.tiling: true, or with a size of 512×512',
  );
  expect(memoryError(missing, { remedies: [], isHeld: true }).message).toMatch(
    /; nothing smaller was found that would$/,
  );
  expect(memoryError(missing, { remedies: ['decoding.tiling: true'], isHeld: true }).message).toMatch(
    /; once what others hold of the GPUs is free \(E_DEVICE_HELD\), it would fit with decoding\.tiling: true$/,
  );
  const { message, ...rest } = withWayRound(error);
  expect(message).toBe(`${error.message} (to try it all the same: --ignore-memory, or DUALPARAL_IGNORE_MEMORY=1)`);
  expect(rest).toMatchObject({ code: 'E_PLAN_MEMORY', exit: error.exit, fixer: error.fixer });
});

describe('a film whose memory is not there', () => {
  const problem = (what: string) =>
    memoryError({ what, place: 'here', need: 2 ** 30, have: 0 }, { remedies: [], isHeld: false });
  const [first, second] = [problem('this film'), problem('stage 0')];

  test('is refused with the first of its problems', () => {
    expect(() => triedAllTheSame([first, second], false)).toThrow(first);
    expect(() => triedAllTheSame([undefined, second], false)).toThrow(second);
    expect(triedAllTheSame([undefined, undefined], false)).toEqual([]);
  });

  test('has a warning for each where it is tried', () => {
    expect(triedAllTheSame([first, undefined], true)).toEqual([`it is tried all the same: ${first.message}`]);
    expect(triedAllTheSame([undefined, second], true)).toEqual([`it is tried all the same: ${second.message}`]);
    expect(triedAllTheSame([first, second], true)).toHaveLength(2);
  });
});
