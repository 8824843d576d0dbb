import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { jsonText, wellFormed } from './json-text.ts';

const ODD = ['\u007f', '\u0085', '\u009f', '\u2028', '\u2029', '\ufeff', '\ufffe', '\uffff', '\u0000', '\ud83c\udfac'];

it.each(ODD)('a text with %j is written in letters that JSON and YAML take, and read as it was', (letter) => {
  const body = { status: { message: `a${letter}b`, list: [letter] } };
  const text = jsonText(body);
  expect(JSON.parse(text)).toEqual(body);
  expect(parse(text)).toEqual(body);
  expect(text).not.toMatch(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/);
});

it.each(['\ud83c', 'x\udfacy', 'x\ud83c'])(
  'half a pair, as in %j, becomes the sign for what is no character',
  (half) => {
    expect(jsonText({ half })).not.toMatch(/\\ud[89a-f]/i);
    expect(wellFormed({ half }).half).toBe(half.toWellFormed());
  },
);

it('what only looks like an escape stays what it is', () => {
  const body = { text: String.raw`\ud83c and \\uffff` };
  expect(JSON.parse(jsonText(body))).toEqual(body);
});
