import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { FAULTS, patched } from './faults.ts';

it.each(FAULTS.map((fault) => [fault.name, fault] as const))(
  'the sources still hold what %s changes',
  (_name, fault) => {
    const files = new Set(fault.patches.map(({ file }) => file));
    for (const file of files) {
      const source = readFileSync(new URL(`../../operator/${file}`, import.meta.url), 'utf8');
      expect(
        patched(
          source,
          fault.patches.filter((patch) => patch.file === file),
        ),
      ).not.toBe(source);
    }
  },
);

it('says which place is gone', () => {
  expect(() => patched('a b', [{ file: 'x.ts', from: 'c', to: '' }])).toThrow('x.ts does not hold exactly one: c');
});
