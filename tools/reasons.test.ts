import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PASSED_ON } from '../operator/api/reason-places.ts';
import type { ReasonRow } from '../operator/api/reason-row.ts';
import { REASONS } from '../operator/api/reasons.ts';
import { sourcesUnder } from './error-codes.ts';
import { textsIn } from './reason-uses.ts';
import { REASONS_FILE, reasonsPage } from './reasons.ts';

const ROOT = join(import.meta.dirname, '..');
const TABLES = ['reasons-waiting', 'reasons-ending', 'reasons-news', 'reason-places'].map(
  (name) => `operator/api/${name}.ts`,
);
const OURS = Object.keys(REASONS);
const OTHERS: readonly string[] = PASSED_ON.flatMap(({ names }) => [...names]);

const sources = sourcesUnder('operator')
  .filter((file) => !TABLES.includes(file))
  .map((file) => ({ file, ...textsIn(readFileSync(join(ROOT, file), 'utf8')) }));

test('the page of reasons is what `npm run gen` writes', () => {
  expect(readFileSync(REASONS_FILE, 'utf8')).toBe(reasonsPage());
});

test('every reason of the table is used in code', () => {
  const used = new Set(sources.flatMap(({ all }) => all));
  expect(OURS.filter((reason) => !used.has(reason))).toEqual([]);
});

test('every reason that code gives is in the table, ours or one that is passed on', () => {
  const given = sources.flatMap(({ file, reasons }) => reasons.map((reason) => `${file}: ${reason}`));
  expect(given.length).toBeGreaterThan(OURS.length);
  expect(given.filter((line) => ![...OURS, ...OTHERS].includes(line.split(': ')[1] ?? ''))).toEqual([]);
});

test('a reason is found wherever it is given: as an argument, a field, a choice or a fallback', () => {
  const text = `why('A', { reason: 'B' }); const c = { reason: x === 'no' ? 'C' : y ?? 'D', message: 'no' };
const reason = z.type === 'no' ? 'E' : 'F'; ({ reason: f('no'), note: 'no' }); ({ reason: \`G\${n}\` });`;
  expect(textsIn(text).reasons).toEqual(['A', 'B', 'C', 'D', 'E', 'F', `\`G$${'{n}'}\``]);
});

test('every row says when it occurs, who can act and what to do, and nobody is told to act where nobody can', () => {
  const rows: readonly (readonly [string, ReasonRow])[] = Object.entries(REASONS);
  const silent = rows.filter(([, { when, todo, places }]) => when === '' || todo === '' || places.length === 0);
  const idle = rows.filter(([, { fixer, todo }]) => fixer !== 'nobody' && todo === 'nothing');
  expect([...silent, ...idle]).toEqual([]);
});
