import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { limitOf, MOST_SECONDS, PARTS } from './parts.ts';

const parts = Object.values(PARTS);

test('the limits of all parts fit into the ten minutes together', () => {
  expect(parts.reduce((sum, { seconds }) => sum + seconds, 0)).toBeLessThanOrEqual(MOST_SECONDS);
  expect(MOST_SECONDS).toBeLessThan(600);
});

test('what the proof is asked for comes before what only informs, and judges', () => {
  const firstOther = parts.findIndex(({ isNamed }) => isNamed !== true);
  expect(parts.slice(firstOther).filter(({ isNamed }) => isNamed === true)).toEqual([]);
  const named = Object.entries(PARTS).filter(([, { isNamed }]) => isNamed === true);
  const wanted = ['bench-layers', 'bench-film', 'bench-hop', 'attention', 'copies', 'films', 'provider', 'whole-film'];
  expect(named.map(([name]) => name)).toEqual(expect.arrayContaining(wanted));
});

test('every part is begun in time and has its own seconds, though each before it takes as long as it may', () => {
  let left = MOST_SECONDS;
  for (const [at, part] of parts.entries()) {
    const limit = limitOf(parts.slice(at), left);
    expect(limit).toBeGreaterThanOrEqual(part.seconds);
    left -= limit;
  }
  expect(left).toBeGreaterThanOrEqual(0);
});

test.each([
  {
    what: 'its own seconds where no more are left',
    parts: [{ seconds: 20, most: 40 }, { seconds: 80 }],
    left: 100,
    limit: 20,
  },
  { what: 'what the later ones can spare', parts: [{ seconds: 20, most: 40 }, { seconds: 80 }], left: 110, limit: 30 },
  { what: 'never more than it can use', parts: [{ seconds: 20, most: 40 }, { seconds: 80 }], left: 500, limit: 40 },
  { what: 'its own seconds where nothing says more', parts: [{ seconds: 20 }], left: 500, limit: 20 },
  { what: 'no more than is left', parts: [{ seconds: 20, most: 40 }, { seconds: 80 }], left: 7.5, limit: 7 },
])('a part has $what', ({ parts: of, left, limit }) => {
  expect(limitOf(of, left)).toBe(limit);
});

test('every part has a file of its own, but the one that is PyTorch’s', () => {
  const files = Object.entries(PARTS).filter(([, { isTorch }]) => isTorch !== true);
  for (const [name] of files) expect(existsSync(join(import.meta.dirname, `${name}.part.ts`)), name).toBe(true);
});
