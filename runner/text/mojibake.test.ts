import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cleanPrompt } from './clean-prompt.ts';
import { fixEncoding } from './mojibake.ts';

/** Texts, what ftfy 6.3.1 mends them to, and what the Wan pipeline makes of them (`test/golden/make/mojibake.py`). */
const cases: readonly (readonly [text: string, fixed: string, clean: string])[] = JSON.parse(
  readFileSync(join(import.meta.dirname, 'golden/mojibake.json'), 'utf8'),
);

it('mends the encoding of every text as ftfy does, and leaves good text alone as it does', () => {
  expect(cases.length).toBeGreaterThan(800);
  expect(cases.filter(([text, fixed]) => text !== fixed).length).toBeGreaterThan(300);
  expect(cases.map(([text]) => [text, fixEncoding(text)])).toEqual(cases.map(([text, fixed]) => [text, fixed]));
});

it('cleans every text as the pipeline of the reference does', () => {
  expect(cases.map(([text]) => [text, cleanPrompt(text)])).toEqual(cases.map(([text, , clean]) => [text, clean]));
});

it.each([
  ['schÃ¶n', 'schön'],
  ['âœ” voilÃ le travail', '✔ voilà le travail'],
  ['schÃƒÂ¶n', 'schön'],
  ['ein schöner Morgen', 'ein schöner Morgen'],
  ['一只红色的圆', '一只红色的圆'],
])('%s is read as %s', (text, clean) => {
  expect(cleanPrompt(text)).toBe(clean);
});
