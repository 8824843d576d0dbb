import { expect, test } from 'vitest';
import type { Binding } from '../ort/binding.ts';
import { cpuDevices } from '../ort/device.ts';
import type { Session } from '../ort/session.ts';
import type { Value } from '../ort/value.ts';
import { createFeatureCache } from './feature-cache.ts';
import { openResidence } from './residence.ts';

/** The cache only asks a session where it lives. */
const session = { device: cpuDevices(1)[0]! } as Session;
const SHAPE = {
  firstLayer: 4,
  endLayer: 6,
  contextTokens: 3,
  width: 8,
  dtype: 'F32',
  joinedTokens: null,
  reusesLeft: false,
} as const;

type Bound = ReadonlyMap<string, Value>;

/** What an item's binding was tied to, by name. */
function boundBy(bind: (binding: Binding) => void): Bound {
  const values = new Map<string, Value>();
  const note = (name: string, value: Value) => void values.set(name, value);
  bind({ bindInput: note, bindOutput: note, run: () => {}, runAndShrink: () => {}, release: () => {} });
  return values;
}

test.each([
  { what: 'one branch', branches: 1, branchesOf: [1, 1, 1, 1, 1] },
  { what: 'two branches', branches: 2, branchesOf: [2, 2, 2, 2, 2] },
  { what: 'guidance in some steps only', branches: 2, branchesOf: [1, 2, 2, 1, 1, 2, 1] },
])(
  'with $what an item reads what the same branch of the block before wrote, and never what it writes itself',
  (run) => {
    using stack = new DisposableStack();
    const cache = createFeatureCache(openResidence(session, stack), { ...SHAPE, branches: run.branches });
    let before: readonly Bound[] = [];
    let index = 0;
    for (const branches of run.branchesOf) {
      const items: Bound[] = [];
      for (let branch = 0; branch < branches; branch++) {
        const sinceRight = branch < before.length ? before.length : 0;
        const place = index++ % cache.places;
        items.push(boundBy((binding) => cache.bind(binding, place, sinceRight)));
      }
      for (const [branch, item] of items.entries()) expectContext(item, before[branch]);
      before = items;
    }
  },
);

function expectContext(item: Bound, neighbour: Bound | undefined): void {
  for (const at of ['k.4', 'v.4', 'k.5', 'v.5']) {
    const read = item.get(`right${at}`);
    expect(read?.shape).toEqual([1, neighbour === undefined ? 0 : 3, 8]);
    if (neighbour !== undefined) expect(read).toBe(neighbour.get(`keep${at}`));
    expect(read).not.toBe(item.get(`keep${at}`));
  }
}

test('an item without a right neighbour sees an empty context', () => {
  using stack = new DisposableStack();
  const cache = createFeatureCache(openResidence(session, stack), { ...SHAPE, branches: 2 });
  const item = boundBy((binding) => cache.bind(binding, 0, 0));
  expect(item.get('rightk.4')?.shape).toEqual([1, 0, 8]);
  expect(item.get('keepk.4')?.shape).toEqual([1, 3, 8]);
});

test('without context there is nothing to keep', () => {
  using stack = new DisposableStack();
  const cache = createFeatureCache(openResidence(session, stack), { ...SHAPE, contextTokens: 0, branches: 2 });
  expect(boundBy((binding) => cache.bind(binding, 0, 0)).size).toBe(0);
});
