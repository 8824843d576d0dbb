import { describe, expect, test } from 'vitest';
import { fitColumns, printable, printableJson } from './printable.ts';

describe('text on its way to a terminal', () => {
  test.each([
    ['plain words stay', 'schön 東京 🎬 é', 'schön 東京 🎬 é'],
    ['colours go', '\u001b[31mred\u001b[0m', 'red'],
    ['a window title goes', '\u001b]0;owned\u0007film', 'film'],
    ['a link goes', '\u001b]8;;http://x\u001b\\here\u001b]8;;\u001b\\', 'here'],
    ['an escape that opens nothing is shown', 'a\u001b', 'a␛'],
    ['a bell is shown', 'ding\u0007', 'ding␇'],
    ['a line break is a space, so that no text can fake a line', 'a\r\nE_FAKE: b', 'a E_FAKE: b'],
    ['backspaces are shown', 'safe\b\b\b\bevil', 'safe␈␈␈␈evil'],
    ['DEL is shown', 'a\u007f', 'a␡'],
    ['C1 controls are replaced', 'a\u0085b\u0090c', 'a�b�c'],
    ['marks that turn the direction are replaced', 'txt.\u202egpj\u2066\u2069\u200f', 'txt.�gpj���'],
    ['separators of lines are replaced', 'a\u2028b\u2029c', 'a�b�c'],
    ['halves of characters are replaced', 'a\ud800b', 'a�b'],
  ])('%s', (_, text, shown) => expect(printable(text)).toBe(shown));

  test('C1 forms of escape sequences cannot act', () => {
    expect(printable('\u009b31mred \u009d0;title\u009c')).not.toMatch(/[\u0080-\u009f]/);
  });
});

test('JSON keeps every character and holds none that a terminal obeys', () => {
  const value = { prompt: 'a\u001b[31m\u009b2J\u202e\u007f\n東京 🎬', list: [1, { deep: true }] };
  for (const text of [printableJson(value), printableJson(value, 2)]) {
    expect(JSON.parse(text)).toEqual(value);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
  }
});

describe('lines are cut by the cells that they take', () => {
  test.each([
    ['a short line stays', 'film', 10, 'film'],
    ['letters take one', 'abcdef', 3, 'abc'],
    ['wide characters take two', '東京タワー', 5, '東京'],
    ['an emoji of several characters stays whole', '👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 3, '👩‍👩‍👧‍👦'],
    ['an accent stays with its letter', 'e\u0301e\u0301e\u0301', 2, 'e\u0301e\u0301'],
  ])('%s', (_, line, columns, start) => expect(fitColumns(line, columns)).toBe(start));
});
