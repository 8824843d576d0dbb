import { expect, test } from 'vitest';
import { isBlank } from '#contract/prompt-field.ts';
import { cleanPrompt } from './clean-prompt.ts';

const BLANK = [
  '',
  ' ',
  '\t\n\r',
  '\u00a0',
  '\u200b\u200d',
  '\ufeff',
  '\u3000',
  '\u00ad',
  '\u2800',
  '\u3164',
  '\u0000',
  '\u202e',
];
const NAMES = [
  '&nbsp;',
  '&nbsp',
  '&#160;',
  '&#xA0;',
  '&#8203;',
  '&#x200b;',
  '&ZeroWidthSpace;',
  '&emsp;',
  '&shy;',
  '&zwj;',
  '&Tab;',
];
const ESCAPED = ['&amp;nbsp;', '&amp;#160;', '&#38;nbsp;', '&amp;amp;nbsp;', ' &nbsp;\u200b&#32; '];

test.each([...BLANK, ...NAMES, ...ESCAPED])('%j is blank', (text) => {
  expect(isBlank(text)).toBe(true);
});

test.each([
  'a',
  '.',
  '😀',
  '字',
  '&',
  '&amp;',
  '&copy;',
  '&nbspx;',
  '&nbsp;a',
  '&#65;',
  '&#1601;',
  '&x200b;',
  '\u0301a',
  '⠿',
])('%j is not', (text) => {
  expect(isBlank(text)).toBe(false);
});

test('of the numbers of HTML, all that the cleaning makes into nothing to see are blank', () => {
  const inkless = /^[^\p{L}\p{N}\p{P}\p{S}]*$/u;
  const missed: string[] = [];
  for (let code = 0; code < 0x3100; code += 1) {
    // Marks of Arabic and Syriac that stand under whole numbers are called invisible, and have ink.
    if (code >= 0x600 && code < 0x900 && code !== 0x61c) continue;
    const text = String.fromCodePoint(code);
    if (!inkless.test(text) || /\p{M}|\p{Cn}|\p{Co}|\p{Cs}/u.test(text) || (code >= 0x80 && code < 0xa0)) continue;
    for (const written of [`&#${code};`, `&#x${code.toString(16)};`]) {
      if (inkless.test(cleanPrompt(written)) && !isBlank(written)) missed.push(written);
    }
  }
  expect(missed).toEqual([]);
});
