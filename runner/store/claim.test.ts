import { expect, test } from 'vitest';
import { type Claim, claimName, claimNumber, DEAD_SECONDS, isTorn, judgeClaim, parseClaim } from './claim.ts';

test.each([
  {
    what: 'a run that is seen holds its place however old its claim is',
    ended: false,
    sight: 'alive',
    age: 9999,
    is: 'held',
  },
  { what: 'a run that is known to be dead holds nothing', ended: false, sight: 'dead', age: 0, is: 'free' },
  { what: 'a run that ended by itself holds nothing', ended: true, sight: 'unknown', age: 0, is: 'free' },
  { what: 'a run elsewhere may live', ended: false, sight: 'unknown', age: DEAD_SECONDS, is: 'wait' },
  { what: 'a run elsewhere is dead in the end', ended: false, sight: 'unknown', age: DEAD_SECONDS + 1, is: 'free' },
  {
    what: 'a run elsewhere that gave a sign of life holds its place',
    ended: false,
    sight: 'unknown',
    age: 3,
    before: 90,
    is: 'held',
  },
  {
    what: 'a run elsewhere that only grows older may live',
    ended: false,
    sight: 'unknown',
    age: 91,
    before: 90,
    is: 'wait',
  },
] as const)('$what', ({ ended, sight, age, is, ...more }) => {
  expect(judgeClaim(ended, sight, age, 'before' in more ? more.before : undefined)).toBe(is);
});

test.each([
  [claimName(1), 1],
  [claimName(120), 120],
  ['running-0.json', undefined],
  ['running-01.json', undefined],
  ['running-1.json.bak', undefined],
  ['running-.json', undefined],
])('the name %j has the number %j', (name, number) => {
  expect(claimNumber(name)).toBe(number);
});

const CLAIM: Claim = {
  host: 'h',
  place: 'h b s',
  pid: 7,
  began: '123',
  attempt: '0123456789abcdef',
  film: 'a film',
  startedAt: '2026-01-01T00:00:00.000Z',
  of: { seed: 1 },
};

test.each([
  ['a claim', JSON.stringify(CLAIM), CLAIM],
  ['nothing', '', undefined],
  ['half a claim', JSON.stringify(CLAIM).slice(0, 40), undefined],
  ['null', 'null', undefined],
  ['an attempt that leads elsewhere', JSON.stringify({ ...CLAIM, attempt: '../../home' }), undefined],
  ['no process', JSON.stringify({ ...CLAIM, pid: 0 }), undefined],
])('%s is read as what it is', (_, text, claim) => {
  expect(parseClaim(text)).toEqual(claim);
});

test.each([
  { what: 'empty', text: '', torn: true },
  { what: 'there in length only', text: '\0'.repeat(40), torn: true },
  { what: 'cut off', text: JSON.stringify(CLAIM).slice(0, 40), torn: true },
  { what: 'whole', text: `${JSON.stringify(CLAIM)}\n`, torn: false },
  { what: 'a text of somebody else', text: 'my notes', torn: false },
])('a claim that is $what: torn is $torn', ({ text, torn }) => {
  expect(isTorn(text)).toBe(torn);
});
