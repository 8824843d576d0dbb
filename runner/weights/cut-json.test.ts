import { expect, test } from 'vitest';
import { isCutJson } from './cut-json.ts';

const WHOLE = String.raw`{"a\\": [1, -2.5e+3, 0, true, false, null, "\u00e9\"\\"], "ö🎬": {"b": [[], {}, [{}]]}, "c": -1.25E-7}`;

test('JSON that is cut anywhere is told from whole JSON, with zeros behind it or without', () => {
  const bytes = Buffer.from(WHOLE);
  for (let length = 0; length < bytes.length; length++) {
    const cut = bytes.subarray(0, length);
    expect([length, isCutJson(cut)]).toEqual([length, true]);
    expect([length, isCutJson(Buffer.concat([cut, Buffer.alloc(bytes.length - length)]))]).toEqual([length, true]);
  }
  expect(isCutJson(bytes)).toBe(false);
});

test('JSON that is wrong before the place where it is cut is no cut JSON', () => {
  const bytes = Buffer.from(WHOLE.replace('true', 'treu'));
  const wrongFrom = WHOLE.indexOf('true') + 3;
  for (let length = wrongFrom; length <= bytes.length; length++) {
    expect([length, isCutJson(bytes.subarray(0, length))]).toEqual([length, false]);
  }
});

test.each<[string, string | Uint8Array]>([
  ['a bracket of the other kind', '{]'],
  ['a name without quotes', '{a'],
  ['two values', '{} {'],
  ['a value without a comma', '[1 2'],
  ['a comma too many', '[1,]'],
  ['a number with a leading zero', '[01'],
  ['a number without digits before its point', '[.5'],
  ['an unknown escape', String.raw`["\x41`],
  ['a line break in a string', '["a\n'],
  ['text', 'Entry not found'],
  ['a name that is given twice', '{"a": 1, "a": 2}'],
  ['bytes that are not UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22)],
  ['zeros in the middle', '{"a": \0\0\0}'],
  ['UTF-16', Buffer.from('{"a":1', 'utf16le')],
])('%s is wrong, not cut', (_what, content) => {
  expect(isCutJson(Buffer.from(content))).toBe(false);
});
