import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorCodesPage, PAGE_FILE, sourcesUnder } from './error-codes.ts';
import { errorRowsIn } from './error-tables.ts';

const ROOT = join(import.meta.dirname, '..');
test('the page of codes is what `npm run gen` writes', () => {
  expect(readFileSync(PAGE_FILE, 'utf8')).toBe(errorCodesPage());
});

test('every code that a source names is on the page, and so is every family of codes', () => {
  const page = errorCodesPage();
  const unknown = ['runner', 'operator', 'image', 'bin', 'test/cluster'].flatMap(sourcesUnder).flatMap((file) => {
    const named = readFileSync(join(ROOT, file), 'utf8').match(/(?<=['"`])E_[A-Z0-9_]*[A-Z0-9](?=['"`])/g) ?? [];
    return named.filter((code) => !new RegExp(`\`${code}[_\`]`).test(page)).map((code) => `${file}: ${code}`);
  });
  expect(unknown).toEqual([]);
});

test('no code is defined twice', () => {
  const codes: readonly string[] = errorCodesPage().match(/(?<=^\| `)E_\w+/gm) ?? [];
  expect(codes.length).toBeGreaterThan(50);
  expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
});

describe('an error table', () => {
  const fields = "fixer: 'user', exit: 'spec'";

  test('is read with the constants of its file', () => {
    const text = `const W = 'x';\nconst D: A = { message: 'd', ${fields} };
export const e = defineErrors({ E_A: { message: 'a ' + 'b', ${fields} }, E_B: { message: \`{c} \${W}\`, ${fields} } });
throw new CodedError('E_C', D, {});`;
    const row = (code: string, message: string) => ({ code, message, fixer: 'user', exit: 'spec' });
    expect(errorRowsIn('a.ts', text)).toEqual([row('E_A', 'a b'), row('E_B', '{c} x'), row('E_C', 'd')]);
  });

  test.each(['defineErrors({ ...others })', 'defineErrors({ E_A: make() })', `defineErrors({ E_A: { ${fields} } })`])(
    'that is not written out is refused by file and line: %s',
    (text) => {
      expect(() => errorRowsIn('a.ts', `\n${text}`)).toThrow(/^a\.ts:2: /);
    },
  );
});
