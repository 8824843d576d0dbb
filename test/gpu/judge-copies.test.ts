import { expect, test } from 'vitest';
import { type CountedSides, itemCopiesHold, layerCopiesHold, uncounted } from './judge-copies.ts';

const copies = (ways: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(ways).map(([way, count]) => [way, { count, bytes: 8 * count }]));
const none = copies({ toDevice: 0, toHost: 0, within: 12 });
const sides = (ours: Readonly<Record<string, number>>, provider: CountedSides['provider'] = none): CountedSides => ({
  ours: copies(ours),
  provider,
});

test.each([
  { what: 'a hop a stage', found: sides({ 'hop within': 3, toHost: 0.5 }), stages: 4, holds: true },
  {
    what: 'a hop a stage, and the samples’',
    found: sides({ 'hop between devices': 3, 'samples between devices': 0.9 }),
    stages: 4,
    holds: true,
  },
  {
    what: 'two copies for the samples',
    found: sides({ 'hop within': 1, 'samples between devices': 1.8 }),
    stages: 2,
    holds: false,
  },
  { what: 'samples, on one stage', found: sides({ 'samples within': 1 }), stages: 1, holds: false },
  { what: 'nothing, on one stage', found: sides({}), stages: 1, holds: true },
  { what: 'a hop, on one stage', found: sides({ 'hop within': 1 }), stages: 1, holds: false },
  { what: 'fewer hops than stages', found: sides({ 'hop within': 2 }), stages: 4, holds: false },
  { what: 'two copies a hop', found: sides({ 'hop within': 6 }), stages: 4, holds: false },
  { what: 'two copies a hop', found: sides({ 'hop between devices': 2 }), stages: 2, holds: false },
  { what: 'now and then a second copy', found: sides({ 'hop between devices': 3.1 }), stages: 4, holds: false },
  { what: 'copies beside the hops', found: sides({ 'hop within': 3, 'between devices': 12 }), stages: 4, holds: false },
  {
    what: 'rows beside the hops',
    found: sides({ 'hop within': 3, 'rows between devices': 1 }),
    stages: 4,
    holds: false,
  },
  {
    what: 'the provider’s copies between devices',
    found: sides({ 'hop within': 3 }, copies({ 'between devices': 40 })),
    stages: 4,
    holds: false,
  },
  { what: 'a copy from the host', found: sides({ toDevice: 1, 'hop within': 3 }), stages: 4, holds: false },
  { what: 'rows from the host', found: sides({ 'rows toDevice': 1, 'hop within': 3 }), stages: 4, holds: false },
  { what: 'hidden states to the host', found: sides({ toHost: 4 }), stages: 4, holds: false },
  {
    what: 'the provider’s copies from the host',
    found: sides({ 'hop within': 3 }, copies({ toDevice: 8 })),
    stages: 4,
    holds: false,
  },
  { what: 'our own alone', found: sides({ 'hop within': 1 }, 'not counted'), stages: 2, holds: true },
])('$what on $stages stages: holds is $holds', ({ found, stages, holds }) => {
  expect(itemCopiesHold(found, stages).holds).toBe(holds);
});

test('a layer that copies from or to the host does not hold, whether it runs or is bound', () => {
  const quiet = sides({});
  expect(layerCopiesHold(quiet, quiet).holds).toBe(true);
  expect(layerCopiesHold(quiet, sides({ toDevice: 1 })).holds).toBe(false);
  expect(layerCopiesHold(sides({}, copies({ toHost: 1 })), quiet).holds).toBe(false);
});

test('copies that nobody counted are told', () => {
  expect(uncounted(sides({}))).toEqual({});
  const found = sides({}, 'not counted: there is no C compiler (cc) here');
  expect(uncounted(found)).toEqual({ notRun: 'copies of the provider not counted: there is no C compiler (cc) here' });
});
