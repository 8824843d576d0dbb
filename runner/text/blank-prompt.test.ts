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
const MARKS = [
  '&#768;',
  '&#x301;',
  '&#65024;',
  '&#xFE0F;',
  '&#917504;',
  '&#917999;',
  '&#xE01EF;',
  '&#129;',
  '&DownBreve;',
  '&#8413;',
];
const ESCAPED = ['&amp;nbsp;', '&amp;#160;', '&#38;nbsp;', '&amp;amp;nbsp;', ' &nbsp;\u200b&#32; '];

test.each([...BLANK, ...NAMES, ...MARKS, ...ESCAPED])('%j is blank', (text) => {
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
  '&#767;',
  '&#880;',
  '&#65040;',
  '&#128;',
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

test.each(['Â\u00a0', 'Ã‚Â\u00a0', '&Acirc;&nbsp;', '&#194;&#160;', 'â€‹', 'ï»¿', 'Â\u00ad'])(
  '%j is blank once it is cleaned, which only the runner sees',
  (text) => {
    expect(isBlank(cleanPrompt(text))).toBe(true);
  },
);

test('numbers of marks are blank as the marks themselves are', () => {
  const ranges = [
    ...[
      [0x300, 0x36f],
      [0x1ab0, 0x1aff],
      [0x1dc0, 0x1dff],
      [0x20d0, 0x20ef],
      [0xfe00, 0xfe0f],
      [0xfe20, 0xfe2f],
    ],
    ...[[0xe0000, 0xe01ff]],
  ] as const;
  const codes = ranges.flatMap(([first = 0, last = 0]) =>
    Array.from({ length: last - first + 1 }, (_, n) => first + n),
  );
  const missed = codes.filter((code) => !isBlank(`&#${code};`) || !isBlank(`&#x${code.toString(16)};`));
  expect(missed).toEqual([]);
});
