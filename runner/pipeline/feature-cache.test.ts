import { describe, expect, test } from 'vitest';
import type { Binding } from '../ort/binding.ts';
import { cpuDevices } from '../ort/device.ts';
import type { Session } from '../ort/session.ts';
import type { Value } from '../ort/value.ts';
import { createFeatureCache } from './feature-cache.ts';

/** The cache only asks a session where it lives. */
const session = { device: cpuDevices(1)[0]! } as Session;
const SHAPE = { firstLayer: 4, endLayer: 6, contextTokens: 3, width: 8, dtype: 'F32' } as const;

/** What an item's binding was tied to, by name. */
function boundBy(bind: (binding: Binding) => void): ReadonlyMap<string, Value> {
  const values = new Map<string, Value>();
  const note = (name: string, value: Value) => void values.set(name, value);
  bind({ bindInput: note, bindOutput: note, run: () => {}, release: () => {} });
  return values;
}

describe.each([1, 2])('with %i branches', (branches) => {
  test('an item reads what the same branch of the block before wrote, and never what it writes itself', () => {
    using stack = new DisposableStack();
    const cache = createFeatureCache(session, { ...SHAPE, branches }, stack);
    const items = Array.from({ length: 3 * cache.period }, (_, index) =>
      boundBy((binding) => cache.bind(binding, index, true)),
    );
    for (const [index, item] of items.entries()) {
      const neighbour = items[index - branches];
      for (const layer of [4, 5]) {
        for (const [read, written] of [
          [`rightk.${layer}`, `keepk.${layer}`],
          [`rightv.${layer}`, `keepv.${layer}`],
        ] as const) {
          if (neighbour !== undefined) expect(item.get(read)).toBe(neighbour.get(written));
          expect(item.get(read)).not.toBe(item.get(written));
        }
      }
      expect(item.size).toBe(8);
    }
    expect([...items[cache.period]!]).toEqual([...items[0]!]);
  });
});

test('an item without a right neighbour sees an empty context', () => {
  using stack = new DisposableStack();
  const cache = createFeatureCache(session, { ...SHAPE, branches: 2 }, stack);
  const item = boundBy((binding) => cache.bind(binding, 0, false));
  expect(item.get('rightk.4')?.shape).toEqual([1, 0, 8]);
  expect(item.get('keepk.4')?.shape).toEqual([1, 3, 8]);
});

test('without context there is nothing to keep', () => {
  using stack = new DisposableStack();
  const cache = createFeatureCache(session, { ...SHAPE, contextTokens: 0, branches: 2 }, stack);
  expect(boundBy((binding) => cache.bind(binding, 0, false)).size).toBe(0);
});
